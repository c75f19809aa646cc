"""The one table of codes: every document takes its concepts from here.

Where a published code exists it is used: SNOMED CT for discs and general terms, DICOM (PS3.16),
RadElement for the Pfirrmann grade, UCUM for units. Everything else is in one private scheme,
99DISCERN, with a written definition; docs/codes.md lists it.
"""

import re
from dataclasses import dataclass
from types import MappingProxyType

from discern.findings import LesionStatus, QuantityName, QuantitySource, Side, Zone
from discern.spine import Label, Level, PfirrmannGrade

SCT, DCM, UCUM, RADELEMENT, PRIVATE = "SCT", "DCM", "UCUM", "RADELEMENT", "99DISCERN"

FHIR_SYSTEMS = MappingProxyType(
    {
        SCT: "http://snomed.info/sct",
        DCM: "http://dicom.nema.org/resources/ontology/DCM",
        UCUM: "http://unitsofmeasure.org",
        RADELEMENT: "https://radelement.org",
        PRIVATE: "urn:oid:2.25.211621621140320846945074859055478735202",
    }
)
"""FHIR names a code system by URI; the private one by an OID of its own."""


@dataclass(frozen=True, slots=True)
class Code:
    """A coded concept: value, coding scheme designator (PS3.16 8), meaning, own definition."""

    value: str
    scheme: str
    meaning: str
    definition: str = ""


LUMBAR_SPINE = Code("122496007", SCT, "Lumbar spine structure")
ANATOMICAL_STRUCTURE = Code("123037004", SCT, "Anatomical structure")
VERTEBRA = Code("51282000", SCT, "Vertebra")
VERTEBRAL_CANAL = Code("61853006", SCT, "Vertebral canal")
ARTIFICIAL_INTELLIGENCE = Code("123110", DCM, "Artificial Intelligence")

_SNOMED_DISCS = {
    Level.T12_L1: "76206002",
    Level.L1_L2: "80064006",
    Level.L2_L3: "67459009",
    Level.L3_L4: "62551000",
    Level.L4_L5: "84020006",
    Level.L5_S1: "715056000",
}


def _disc(level: Level) -> Code:
    meaning = f"{level} intervertebral disc"
    if level in _SNOMED_DISCS:
        return Code(_SNOMED_DISCS[level], SCT, meaning)
    above, below = level.split("-")
    definition = f"The intervertebral disc between {above} and {below}."
    if level is Level.S1_S2:
        definition = "The remnant disc between the first and second sacral segments."
    elif "L6" in level:
        definition += " L6 is the sixth lumbar-type vertebra of a transitional spine."
    return Code(f"disc-{level}", PRIVATE, meaning, definition)


DISCS = MappingProxyType({level: _disc(level) for level in Level})

PFIRRMANN = Code("RDE1929", RADELEMENT, "Pfirrmann grade")
PFIRRMANN_GRADES = MappingProxyType(
    {
        grade: Code(f"RDE1929.{int(grade) - 1}", RADELEMENT, f"Grade {grade.name}")
        for grade in PfirrmannGrade
    }
)
"""Values of RDE1929; RadElement counts the values of an element from 0."""

PFIRRMANN_PROBABILITIES = MappingProxyType(
    {
        grade: Code(
            f"pfirrmann-{int(grade)}-probability",
            PRIVATE,
            f"Probability of Pfirrmann grade {grade.name}",
            f"Calibrated probability, 0 to 1, that the disc is of Pfirrmann grade {grade.name}; "
            "those of the five grades add up to one.",
        )
        for grade in PfirrmannGrade
    }
)

PFIRRMANN_NOT_RULED_OUT = Code(
    "pfirrmann-not-ruled-out",
    PRIVATE,
    "Pfirrmann grade not ruled out",
    "A grade of the conformal set of the disc, one statement for each. The sets are made to hold "
    "the grade of the reader for nine discs in ten of every grade.",
)
PFIRRMANN_CERTAINTY = Code(
    "pfirrmann-certainty",
    PRIVATE,
    "Certainty of the Pfirrmann grade",
    "Whether the software stands by the grade that it names.",
)
ABSTAINED = Code(
    "abstained",
    PRIVATE,
    "Abstained",
    "Too many grades cannot be ruled out; the disc is to be graded by eye.",
)

LESIONS = MappingProxyType(
    {
        Label.HERNIATION: Code(
            "herniation",
            PRIVATE,
            "Disc herniation",
            "Protrusion or extrusion: disc material displaced focally beyond the interspace "
            "(Fardon et al., Spine J 14:2525, 2014). A diffuse bulge is none.",
        ),
        Label.HIZ: Code(
            "high-intensity-zone",
            PRIVATE,
            "High-intensity zone",
            "Bright focus in the dark annulus on T2-weighted images, apart from the nucleus and "
            "brighter than it (Aprill and Bogduk, Br J Radiol 65:361, 1992).",
        ),
    }
)

STATUSES = MappingProxyType(
    {
        LesionStatus.PRESENT: Code("52101004", SCT, "Present"),
        LesionStatus.ABSENT: Code("2667000", SCT, "Absent"),
        LesionStatus.NOT_ASSESSED: Code(
            "not-assessed",
            PRIVATE,
            "Not assessed",
            "The software was not trained to judge this on these images; neither present nor "
            "absent may be concluded.",
        ),
    }
)

SIDES = MappingProxyType(
    {
        Side.LEFT: Code("7771000", SCT, "Left"),
        Side.CENTRAL: Code("26216008", SCT, "Central"),
        Side.RIGHT: Code("24028007", SCT, "Right"),
    }
)

ZONES = MappingProxyType(
    {
        zone: Code(
            f"zone-{zone}",
            PRIVATE,
            f"{zone.capitalize()} zone",
            f"Axial {zone} zone of a lesion (Fardon et al., Spine J 14:2525, 2014).",
        )
        for zone in Zone
    }
)

LEVEL_CONFIDENCE = Code(
    "level-confidence",
    PRIVATE,
    "Confidence in level",
    "Probability, 0 to 1, that the disc is the one named.",
)
DETECTOR_SCORE = Code(
    "detector-score",
    PRIVATE,
    "Detector score",
    "Best score, 0 to 1, of the detection network on the slices of the disc; not a probability.",
)
LESION_PROBABILITIES = MappingProxyType(
    {
        label: Code(
            f"{code.value}-probability",
            PRIVATE,
            f"Probability of {code.meaning.lower()}",
            f"Calibrated probability, 0 to 1, of the finding: {code.meaning.lower()}.",
        )
        for label, code in LESIONS.items()
    }
)

_QUANTITY_DEFINITIONS = {
    QuantityName.DISC_HEIGHT: ("Disc height", "Mean height of the disc in its middle slices."),
    QuantityName.DISC_HEIGHT_INDEX: (
        "Disc height index",
        "Mean height of the disc over its depth from front to back.",
    ),
    QuantityName.SIGNAL_RATIO: (
        "Disc to cerebrospinal fluid signal ratio",
        "Signal of the nucleus over that of the fluid at the same level.",
    ),
    QuantityName.HOMOGENEITY: (
        "Disc homogeneity",
        "One minus the spread of the signal of the nucleus over its mean.",
    ),
    QuantityName.WEDGE_ANGLE: (
        "Wedge angle",
        "Angle between the endplates in the sagittal plane; positive where the disc is higher "
        "in front.",
    ),
    QuantityName.LISTHESIS: (
        "Listhesis",
        "Shift of the vertebra above over the one below along the disc; positive forwards.",
    ),
}
QUANTITIES = MappingProxyType(
    {
        name: Code(name.value.replace("_", "-"), PRIVATE, meaning, f"{text} See quantities.md.")
        for name, (meaning, text) in _QUANTITY_DEFINITIONS.items()
    }
)

UNITS = MappingProxyType(
    {
        "mm": Code("mm", UCUM, "millimeter"),
        "deg": Code("deg", UCUM, "degree"),
        "1": Code("1", UCUM, "no units"),
    }
)

RESEARCH_USE_ONLY = Code(
    "research-use-only",
    PRIVATE,
    "Research use only, not a medical device",
    "The content was made by software that is no medical device and has not been confirmed by "
    "a physician.",
)
EXPERIMENTAL = Code(
    "experimental",
    PRIVATE,
    "Experimental statement",
    "The part of the software that says this has too little evidence behind it, or was never "
    "measured on real labelled images.",
)

MAGNETIC_RESONANCE = Code("MR", DCM, "Magnetic Resonance")
LATERALITY = Code("272741003", SCT, "Laterality")
AXIAL_ZONE = Code(
    "axial-zone",
    PRIVATE,
    "Axial zone",
    "Where a lesion lies between the midline and beyond the foramen in the axial plane (Fardon et "
    "al., Spine J 14:2525, 2014).",
)
UNCERTAINTY = Code(
    "uncertainty-95",
    PRIVATE,
    "Half width of the 95 % interval",
    "Half the width of the interval that holds the true value in 95 of 100 measurements, in the "
    "unit of the measurement.",
)


NUMBERING_CONFIDENCE = Code(
    "numbering-confidence",
    PRIVATE,
    "Confidence in numbering",
    "Probability, 0 to 1, that every disc of the study is the one named.",
)
REGULATORY_STATUS = Code(
    "regulatory-status",
    PRIVATE,
    "Regulatory status",
    "Under which conditions the statements of this document may be used.",
)


def _of_lesions(suffix: str, meaning: str, definition: str) -> MappingProxyType[Label, Code]:
    return MappingProxyType(
        {
            label: Code(
                f"{code.value}-{suffix}",
                PRIVATE,
                f"{code.meaning}: {meaning}",
                f"{definition} Of the finding: {code.meaning.lower()}.",
            )
            for label, code in LESIONS.items()
        }
    )


LESION_SCORES = _of_lesions("score", "detector score", DETECTOR_SCORE.definition)
LESION_EVIDENCE = _of_lesions("evidence", "evidence", "How far the statement can be relied on.")
LESION_SIDES = _of_lesions("side", "side", "Side of the patient, from the geometry of the images.")
LESION_ZONES = _of_lesions("zone", "axial zone", AXIAL_ZONE.definition)

QUANTITY_SOURCES = MappingProxyType(
    {
        QuantitySource.MASKS: Code(
            "from-masks", PRIVATE, "From tissue masks", "Measured on segmented tissue."
        ),
        QuantitySource.BOXES: Code(
            "from-boxes", PRIVATE, "From boxes", "Measured on detection boxes only: coarser."
        ),
    }
)


def method_code(method: str) -> Code:
    """Return the code of a way to measure a quantity, as docs/quantities.md calls it.

    >>> method_code("1 - SD over mean").value
    'method-1-sd-over-mean'
    """
    word = re.sub("[^a-z0-9]+", "-", method.lower())
    return Code(f"method-{word}", PRIVATE, method, f"The method {method} of quantities.md.")


def private_codes() -> tuple[Code, ...]:
    """Return every concept of the private scheme once, in the order of this module."""
    single = (
        LEVEL_CONFIDENCE,
        DETECTOR_SCORE,
        RESEARCH_USE_ONLY,
        EXPERIMENTAL,
        AXIAL_ZONE,
        UNCERTAINTY,
        NUMBERING_CONFIDENCE,
        REGULATORY_STATUS,
        PFIRRMANN_NOT_RULED_OUT,
        PFIRRMANN_CERTAINTY,
        ABSTAINED,
    )
    tables = (
        DISCS,
        PFIRRMANN_PROBABILITIES,
        LESIONS,
        LESION_PROBABILITIES,
        STATUSES,
        ZONES,
        QUANTITIES,
        LESION_SCORES,
        LESION_EVIDENCE,
        LESION_SIDES,
        LESION_ZONES,
        QUANTITY_SOURCES,
    )
    listed = [code for table in tables for code in table.values()]
    return tuple(code for code in (*listed, *single) if code.scheme == PRIVATE)

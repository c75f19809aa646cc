"""STARD-AI (2025): diagnostic accuracy studies of artificial intelligence, 40 items."""

from discern.reporting.report_card.checklist import Checklist, Item, Section

STARD_AI = Checklist(
    name="STARD-AI",
    file="checklist-stard-ai",
    references=(
        "Sounderajah V, et al. The STARD-AI reporting guideline for diagnostic accuracy studies "
        "using artificial intelligence. Nature Medicine 2025;31:3283-3289. "
        "doi:10.1038/s41591-025-03953-8",
        "Bossuyt PM, et al. STARD 2015: an updated list of essential items for reporting "
        "diagnostic accuracy studies. BMJ 2015;351:h5527. doi:10.1136/bmj.h5527",
    ),
    sections=(
        Section(
            "Title, abstract, introduction",
            (
                Item("1", "Is the study recognisable as one of AI accuracy?", ("title",)),
                Item("2", "A structured abstract.", ("abstract",)),
                Item("3", "Background, intended use, workflow.", ("background", "intended_use")),
                Item("4", "Aims and hypotheses.", ("objectives",)),
            ),
        ),
        Section(
            "Methods: design, ethics, participants",
            (
                Item("5", "Prospective or retrospective?", ("design",)),
                Item("6", "Ethics approval.", ("ethics",)),
                Item("7", "Eligibility of people and of data.", ("eligibility",)),
                Item("8", "How participants were identified.", ("recruitment",)),
                Item("9", "Place and time.", ("setting",)),
                Item("10", "What kind of series?", ("series",)),
            ),
        ),
        Section(
            "Methods: data",
            (
                Item("11", "Where the data come from.", ("data_source",)),
                Item("12", "Who annotated them, and how.", ("annotation", "annotated_counts")),
                Item("13", "Devices and software that captured them.", ("devices",)),
                Item("14", "Acquisition and preprocessing.", ("acquisition", "preprocessing")),
            ),
        ),
        Section(
            "Methods: index test and reference standard",
            (
                Item("15a", "The index test, so that others can repeat it.", ("model",)),
                Item(
                    "15b",
                    "How it was developed, and on which parts of the data.",
                    ("training", "initialization", "final_model", "partitions", "software"),
                ),
                Item("15c", "Cut-offs: which, why, fixed when?", ("thresholds",)),
                Item("15d", "Who uses it, with which expertise.", ("end_user",)),
                Item("16a", "The reference standard.", ("reference",)),
                Item("16b", "Why this one?", ("reference_rationale",)),
                Item("16c", "Its categories.", ("reference_categories",)),
                Item("17a", "What the index test knew.", ("index_blinding",)),
                Item("17b", "What the assessors of the truth knew.", ("reference_blinding",)),
            ),
        ),
        Section(
            "Methods: analysis",
            (
                Item(
                    "18",
                    "How accuracy was estimated and compared.",
                    ("method", "uncertainty", "comparison"),
                ),
                Item("19", "Indeterminate results.", ("indeterminate",)),
                Item("20", "Missing data.", ("missing_data",)),
                Item("21", "Variability of accuracy.", ("subgroups", "robustness")),
                Item("22", "Intended sample size.", ("sample_size",)),
                Item("23", "How bias and fairness were assessed.", ("fairness",)),
            ),
        ),
        Section(
            "Results",
            (
                Item("24", "Flow of participants.", ("flow", "counts")),
                Item("25", "Who they were, in each part.", ("demographics", "clinical")),
                Item("26a", "Severity among those with the condition.", ("severity",)),
                Item("26b", "What the others had instead.", ("alternatives",)),
                Item("27", "Interval between the two tests.", ("interval",)),
                Item("28", "Does the test set stand for the target?", ("representative",)),
                Item(
                    "29",
                    "How an external test set differs.",
                    ("external", "external_difference"),
                ),
                Item("30", "Cross tabulation with the truth.", ("truth_table",)),
                Item(
                    "31",
                    "Accuracy with its precision.",
                    ("grade_figures", "lesion_figures"),
                ),
                Item("32", "Harms.", ("harms",)),
            ),
        ),
        Section(
            "Discussion",
            (
                Item("33", "Limitations.", ("weak_heads", "limitations")),
                Item("34", "Implications for practice.", ("implications",)),
                Item("35", "Ethics and fairness.", ("ethical_considerations",)),
            ),
        ),
        Section(
            "Other information",
            (
                Item("36", "Registration.", ("registration",)),
                Item("37", "Protocol.", ("protocol",)),
                Item("38", "Funding.", ("funding",)),
                Item("39", "Commercial interests.", ("interests",)),
                Item("40a", "Availability of data and code.", ("availability",)),
                Item("40b", "Can outputs be audited?", ("audit",)),
            ),
        ),
    ),
)

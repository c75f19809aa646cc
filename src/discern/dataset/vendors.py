"""The vendor behind the many names that the companies of one maker of scanners have had."""

_VENDORS = {
    "siemens": "Siemens",
    "philips": "Philips",
    "ge": "GE",
    "general electric": "GE",
    "canon": "Canon",
    "toshiba": "Canon",  # the same scanners, sold as Canon since 2018
    "hitachi": "Fujifilm",  # likewise since 2021
    "fujifilm": "Fujifilm",
    "united imaging": "United Imaging",
    "uih": "United Imaging",
    "esaote": "Esaote",
    "neusoft": "Neusoft",
    "mindray": "Mindray",
    "alltech": "Alltech",
    "time medical": "Time Medical",
    "paramed": "Paramed",
    "fonar": "Fonar",
    "hyperfine": "Hyperfine",
}


def vendor_of(manufacturer: str) -> str:
    """Return the vendor behind the many names of its companies.

    >>> vendor_of("Philips Medical Systems"), vendor_of("SIEMENS"), vendor_of("Acme MR")
    ('Philips', 'Siemens', 'Acme MR')
    """
    words = " ".join(manufacturer.lower().split())
    for start, vendor in _VENDORS.items():
        if words == start or words.startswith(f"{start} "):
            return vendor
    return manufacturer.strip()

"""A synthetic lumbar spine: DICOM study and truth from a seed."""

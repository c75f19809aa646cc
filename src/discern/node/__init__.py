"""A DICOM node: studies are received, analyzed, and their results sent on, unattended."""

"""DICOM objects made from findings: the only place that imports highdicom."""

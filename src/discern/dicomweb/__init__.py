"""DICOMweb: studies found by QIDO-RS, read by WADO-RS, results stored by STOW-RS."""

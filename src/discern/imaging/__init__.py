"""Study reading: files to slices, plane and weighting, patient-frame geometry."""

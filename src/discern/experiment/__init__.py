"""Many runs on one data set: cross-validation, ablation, learning curve, transfer; one ledger."""

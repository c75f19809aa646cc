"""What makes probabilities, sets and thresholds of scores, fitted on out-of-fold predictions."""

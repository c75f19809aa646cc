"""Statistics of detections and grades against the truth."""

"""Annotated images to training samples."""

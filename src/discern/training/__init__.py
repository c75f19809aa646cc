"""Training runs with Lightning."""

"""Findings as pages and documents."""

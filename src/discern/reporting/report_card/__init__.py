"""The report card: a model card and two reporting checklists, filled in from a run's own files."""

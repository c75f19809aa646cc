"""Pages of an evaluation for people: one file each, offline, nothing loaded from outside."""

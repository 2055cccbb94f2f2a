"""A living line: its file, its reviews, every change of its limit and who made it."""

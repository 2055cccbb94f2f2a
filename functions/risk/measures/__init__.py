"""Measures that signals and checks are made of: places, links between customers, distinct counts."""

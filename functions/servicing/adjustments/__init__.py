"""Corrections that people make: late charge waived, goodwill, a posting by hand."""

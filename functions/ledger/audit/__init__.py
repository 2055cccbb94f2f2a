"""Proof for those who don't trust us: the export, and what finds its faults."""

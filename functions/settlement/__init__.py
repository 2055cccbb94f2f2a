"""Paying merchants: what may be paid out to whom, and what may not yet."""

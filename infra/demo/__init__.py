"""`make demo`: the whole story on a throw-away platform, with its figures, its invariants and a report."""

"""The policy: its table, the shape it must have, its hard rules."""

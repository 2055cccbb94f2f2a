"""From facts to a decision: sources, counted finances, limits that can be granted, the record that replays."""

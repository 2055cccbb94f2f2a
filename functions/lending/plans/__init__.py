"""Plans as they are stored and shown, and what they are owed next."""

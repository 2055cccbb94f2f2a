"""Debts that are late and the people who call about them: files by bucket, contacts under caps, promises to pay."""

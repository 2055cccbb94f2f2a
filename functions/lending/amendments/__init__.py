"""Changes of an agreement: what they cost, the document that says so, and its keeping."""

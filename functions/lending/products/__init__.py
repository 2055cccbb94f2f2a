"""Plan products: the shipped book, the versions that staff set, and what they offer."""

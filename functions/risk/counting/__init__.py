"""Counting the stream: what counts, into which items, each record once."""

"""Benchmarks: each module's `measure()` gives rows for the table of `make bench`."""

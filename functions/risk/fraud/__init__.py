"""The fraud model: its inputs, from stored counters, and its score with exact reasons."""

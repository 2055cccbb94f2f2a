"""Export and erasure of a person across all slices."""

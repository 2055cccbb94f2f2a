"""The AWS edge that every slice shares; knows no business word."""

"""The bytes of a plan: numbers, columns of rows; `functions.lending.packing` is their front."""

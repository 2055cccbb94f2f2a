"""The bytes of a plan: numbers, columns of rows; `functions.lending.plans.packing` is their front."""

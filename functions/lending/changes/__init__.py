"""Rarer turns of a plan's life, one transform a module; `functions.lending.life` is their front."""

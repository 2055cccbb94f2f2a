"""What else was tried: other recipes, other calibrations, less discriminatory models, on the same folds."""

"""Service rendered: what a merchant proves to have what was held back."""

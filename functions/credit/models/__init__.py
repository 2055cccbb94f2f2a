"""The life of the models: which one is in force, which one runs in its shadow, and whether the world has moved."""

"""Money on the rail that nobody asked for, until a person says whose it is."""

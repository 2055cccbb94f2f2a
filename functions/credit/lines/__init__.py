"""The line itself: its item, its codes, its velocity budget, and what other slices may do with it."""

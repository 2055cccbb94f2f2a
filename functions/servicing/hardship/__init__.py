"""Help for customers who can't pay as agreed: due days moved, or what is left spread over a new term."""

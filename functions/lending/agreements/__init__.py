"""What a customer accepts: one text per plan, in her language."""

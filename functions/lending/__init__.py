"""The money mathematics of installment plans: pure, exact, total."""

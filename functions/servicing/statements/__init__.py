"""Statements: what a customer owes, cut once a month on the bill day."""

"""Bank accounts that customers pay from, their mandates, and the collections on due days."""

"""The two tables: keys, models, transactions, the outbox and the request meter."""

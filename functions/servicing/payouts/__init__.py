"""A customer's credit balance going back to them: when asked for, and by itself after thirty days."""

"""Webhooks: what merchants are told, where, signed how, tried how often, and the list of it all for thirty days."""

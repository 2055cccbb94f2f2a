"""Who sells: merchant accounts, what they may sell, and their API keys."""

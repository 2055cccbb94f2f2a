"""Passkeys of customers: registered, used to sign in and to confirm, removed."""

"""Signals, counters, rules, fraud score, alerts, cases, portfolio."""

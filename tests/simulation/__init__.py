"""Thirty days of honest and fraudulent customers through the real API, and how well the risk checks do.

python -m tests.simulation --customers 40 --days 30 --seed 7     # writes build/simulation/{report.html,summary.json}
"""

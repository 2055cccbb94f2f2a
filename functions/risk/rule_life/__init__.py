"""The life of a rule: states and who may move between them, and the backtest on stored decisions."""

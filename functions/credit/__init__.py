"""Credit assessment: features, score, decision, dynamic limits, the credit line."""

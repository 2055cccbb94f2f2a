"""The Merkle log as it is kept: entries sequenced, heads signed, proofs answered."""

"""Many rules as one decision: the set, which outcome wins, and the rules that ship."""

"""The embedded platform: MiniStack in a process of its own, with what it lacks to stand in for AWS honestly.

`server` runs it, `snapshot` keeps its state through a kill, `fidelity` corrects what it does otherwise than AWS.
All three lean on private names of one pinned version; tests/infrastructure/test_embedded.py fails when they move.
"""

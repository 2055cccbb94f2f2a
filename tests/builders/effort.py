"""How many examples a property tries: all that it asks for, fewer in `make check` (Hypothesis profile "quick").

@settings(max_examples=effort(60))
"""

from __future__ import annotations

from hypothesis import settings

_WHOLE = 100


def effort(examples: int) -> int:
    """`examples`, or as many as the quick profile allows."""
    most = settings.default.max_examples
    return examples if most >= _WHOLE else min(examples, most)

"""What takes a second person: whoever proposed it can't also confirm it."""

from __future__ import annotations

from functions.core.errors import ConflictError, ForbiddenError


class SamePersonError(ForbiddenError):
    code, title = "same_person", "The second person must be someone else"


class NothingProposedError(ConflictError):
    code, title = "nothing_proposed", "There is no proposal to confirm"


def require_second(proposed_by: str, confirmed_by: str) -> None:
    """Refuse a proposal's own author.

    Raises:
        SamePersonError: One and the same person.
    """
    if proposed_by == confirmed_by:
        raise SamePersonError

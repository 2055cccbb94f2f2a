"""Which API function answers which path: one table, the longest prefix wins. Each group is one Lambda function."""

from __future__ import annotations

GROUPS: dict[str, tuple[str, ...]] = {
    "pay_api": (
        "/v1/quotes",
        "/v1/checkouts",
        "/v1/me/checkouts",
        "/v1/authorizations",
        "/v1/captures",
        "/v1/refunds",
        "/v1/in-store",
    ),
    "credit_api": (
        "/v1/credit-applications",
        "/v1/customers/{id}/credit-line",
        "/v1/decisions",
        "/v1/me/credit-line",
        "/v1/me/income",
        "/v1/risk-decisions",
        "/v1/models",
    ),
    "console_api": (
        "/",
        "/v1",
    ),
}


def _covers(prefix: str, path: str) -> bool:
    return prefix in {"/", path} or path.startswith(prefix + "/")


def groups_of(path: str) -> list[str]:
    """Every group whose longest matching prefix is the longest of all: one entry, unless the table is wrong."""
    best = {
        group: max((len(prefix) for prefix in prefixes if _covers(prefix, path)), default=-1)
        for group, prefixes in GROUPS.items()
    }
    longest = max(best.values())
    return [group for group, length in best.items() if length == longest >= 0]


def group_of(path: str) -> str:
    """The one function that answers `path`.

    Raises:
        LookupError: No group, or two, claim it.
    """
    found = groups_of(path)
    if len(found) != 1:
        raise LookupError(f"{path} is claimed by {found or 'no group'}")
    return found[0]

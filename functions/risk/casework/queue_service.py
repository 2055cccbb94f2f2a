"""Reading cases: the queue by urgency and value, the list of all, one case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from functions.core.errors import FieldError, InvalidError, NotFoundError
from functions.core.ids import require_id
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.web.context import Call
from functions.platform.web.listing import listed
from functions.platform.web.pagination import page, page_limit, seal, unseal
from functions.risk.casework import cases
from functions.risk.casework.case_store import ALL, HISTORY, OPEN, CaseItem, CaseRow, to_value
from functions.risk.casework.present import present_case

MOST_OPEN: Final = 1_000
"""Open cases that are put in order; where there are more, the newest wait."""

_BATCH: Final = 100
_CLOSED: Final = "closed"
FILTERS: Final = ("status", "kind", "severity", "claimed_by", "about")


def read_case(case_id: str, *, consistent: bool = False) -> CaseItem:
    """A case by id.

    Raises:
        NotFoundError: Not there.
    """
    item: CaseItem | None = container().tables.get(CaseItem, require_id("case", case_id), consistent=consistent)
    if item is None:
        raise NotFoundError
    return item


def list_reviews(call: Call) -> dict[str, Any]:
    """Open cases, the most urgent first; with `?status=closed` all closed ones, with a party's id all of that party's.

    The queue is put in order at each request, so a case that becomes urgent between two pages may come twice.

    Raises:
        InvalidError: A filter that could never match, or not a cursor of this list.
    """
    _require_filters(call.query)
    owner = call.query.get("customer_id") or call.query.get("merchant_id")
    if owner is None and call.query.get("status") != _CLOSED:
        return _queue(call)
    pk = keys.listing(owner, HISTORY) if owner else keys.listing("staff", ALL)
    found, cursor = listed(call, pk, CaseRow, CaseItem)
    return page([item for item in found if _wanted(present_case(item), call.query)], cursor, present_case)


def cases_of(owner: str, most: int) -> list[CaseItem]:
    """The latest cases of a customer or merchant, newest first."""
    tables = container().tables
    rows, _ = tables.query(CaseRow, keys.listing(owner, HISTORY), limit=most, forward=False)
    found = tables.batch_get([(CaseItem, row.sk.partition("#")[2], keys.SELF) for row in rows])
    return [item for item in found if isinstance(item, CaseItem)]


def _queue(call: Call) -> dict[str, Any]:
    now, secret = container().clock.now(), container().secrets.key("cursors")
    limit = page_limit(call.query)
    start = unseal(secret, OPEN, call.query.get("cursor"))
    skip = int(start["n"]["N"]) if start else 0
    waiting = [item for item in _open_cases() if _wanted(present_case(item), call.query)]
    waiting.sort(key=lambda item: (cases.queue_key(to_value(item), now), item.pk))
    there_is_more = len(waiting) > skip + limit
    cursor = seal(secret, OPEN, {"n": {"N": str(skip + limit)}}) if there_is_more else None
    return page(waiting[skip : skip + limit], cursor, present_case)


def _open_cases() -> list[CaseItem]:
    tables = container().tables
    rows, _ = tables.query(CaseRow, keys.listing("staff", OPEN), limit=MOST_OPEN)
    ids = [row.sk.partition("#")[2] for row in rows]
    found: list[CaseItem] = []
    for at in range(0, len(ids), _BATCH):
        part = tables.batch_get([(CaseItem, one, keys.SELF) for one in ids[at : at + _BATCH]])
        found += [item for item in part if isinstance(item, CaseItem) and item.state != _CLOSED]
    return found


def _wanted(shown: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    return all(shown[name] == query[name] for name in FILTERS if name in query)


def _require_filters(query: Mapping[str, str]) -> None:
    known = {
        "status": [str(state) for state in cases.State],
        "kind": [str(kind) for kind in cases.Kind],
        "severity": list(cases.SEVERITIES),
        "about": ["authorization", "line", "merchant"],
    }
    for name, values in known.items():
        if query.get(name, values[0]) not in values:
            raise InvalidError(
                f"{name} is one of {', '.join(values)}", errors=(FieldError(name, "unknown", ", ".join(values)),)
            )

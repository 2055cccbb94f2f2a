"""The action-hour sweep: finds in the index what is due and hands it out in pages; whoever does it moves its key.

There is no checkpoint. What has been done is no longer in the range that is read, so a sweep that runs twice, late or
after a crash finds exactly what is left. A page says for which instant it was made, because another container's view
of the sandbox's clock may lag by a second.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from pynamodb.expressions.operand import Path

from functions.core.clock import isoformat, parse_instant
from functions.platform.container import Container, container
from functions.platform.observability import count
from functions.platform.parallel import each_for_itself, side_by_side
from functions.platform.sandbox_clock import hear
from functions.platform.storage import keys
from functions.platform.storage.action_index import hour_now, hour_of
from functions.platform.storage.table import ACTION_INDEX, Item, RawItem

PAGE_KIND: Final = "page"
PAGE_IDS: Final = 25
QUERY_IDS: Final = 1000
_PARALLEL: Final = 8

Key = tuple[str, str]
"""Partition and sort key of something that stands in the action index."""


class Handler(Protocol):
    """Does all that is owed to some items by an instant, and moves or removes their index entries.

    May be called again with the same items, or with items that are owed nothing any more. What it raises brings the
    whole page back. It says how many events it told; None where it does not know.
    """

    def __call__(self, due: Sequence[Key], now: datetime) -> int | None: ...


HANDLERS: Final[Mapping[str, str]] = {
    "plan": "functions.servicing.plan_actions:act",
    "apay": "functions.servicing.autopay.run_service:act",
    "cbal": "functions.servicing.payouts.service:pay_out_old",
    "cpo": "functions.servicing.payouts.service:ask_again",
    "col": "functions.servicing.collections.service:act",
    "bill": "functions.servicing.statements.service:act",
    "msg": "functions.servicing.reminder_service:wake",
    "auth": "functions.payments.timers:act",
    "dis": "functions.payments.disputes.service:act",
    "chk": "functions.checkout.timers:act",
    "till": "functions.checkout.instore.settle_service:act",
    "case": "functions.risk.casework.review_service:act",
    "capp": "functions.credit.desk.deadlines:act",
    "lim": "functions.credit.upkeep.timers:act",
    "evt": "functions.webhooks.delivery_service:wake",
    "rules": "functions.risk.rule_life.service:act",
}
"""Who looks after what stands in the action index, by id prefix: "module:function", imported when first met."""


class UnknownPrefixError(Exception):
    """Something stands in the action index that nobody looks after."""


def sweep(now: datetime, lane: Callable[[int], str] = keys.action_hour) -> int:
    """Hand out everything that is due by an instant.

    Args:
        now: Everything due in its hour or before is handed out; in the lane's time, which is business time as a rule.
        lane: Shard → index partition; `keys.wall_hour` for what waits in wall time.

    Returns:
        How many items.

    Raises:
        UnavailableError: Index or queue did not answer; the next sweep finds the same and what it left.
    """
    box = container()
    shards = range(box.settings.shards)
    found = sum(side_by_side(lambda shard: _sweep_shard(box, lane(shard), now), shards, _PARALLEL))
    count("SweepDue", found)
    return found


def _sweep_shard(box: Container, partition: str, now: datetime) -> int:
    found = 0
    for due in _due(box, partition, hour_now(now)):
        send_pages(due, now)
        found += len(due)
    return found


def send_pages(due: Sequence[Key], now: datetime) -> None:
    """Put items on the sweep queue, a page a message."""
    box = container()
    bodies = [page(due[start : start + PAGE_IDS], now) for start in range(0, len(due), PAGE_IDS)]
    box.queue(box.settings.sweep_queue_url).send(bodies)


def page(due: Sequence[Key], now: datetime) -> dict[str, Any]:
    """A message of the sweep queue."""
    return {"kind": PAGE_KIND, "at": isoformat(now), "keys": [list(key) for key in due]}


def peek(now: datetime, most: int) -> list[Key] | None:
    """What is due by an instant, if it is no more than so many items."""
    box = container()
    found: list[Key] = []
    for shard in range(box.settings.shards):
        for due in _due(box, keys.action_hour(shard), hour_now(now), limit=most + 1):
            found += due
            if len(found) > most:
                return None
    return found


def _due(box: Container, partition: str, hour: str, limit: int | None = None) -> Iterator[list[Key]]:
    """Index entries of a shard up to an hour, a query's page at a time, so that memory does not grow with them."""
    condition = (Path("gk") == partition) & (Path("gs") <= hour)
    start: RawItem | None = None
    oldest: str | None = None
    while True:
        raw, start = box.tables.query_raw(Item, condition, limit=limit or QUERY_IDS, index=ACTION_INDEX, start=start)
        if raw and oldest is None:
            oldest = raw[0]["gs"]["S"]
            count("SweepLagSeconds", int((hour_of(hour) - hour_of(oldest)).total_seconds()), "Seconds")
        if raw:
            yield [(each["pk"]["S"], each["sk"]["S"]) for each in raw]
        if start is None:
            return


def look_ahead(after: datetime, most: int) -> tuple[datetime | None, list[Key] | None]:
    """The earliest hour after that of an instant in which anything is due, and what is due by then.

    Args:
        after: In business time.
        most: Of items that are of interest.

    Returns:
        The hour, None when nothing is ever due; and the items, what was left undone before among them, or None if they
        are more than `most`.
    """
    box, passed = container(), hour_now(after)
    found: list[tuple[str, Key]] = []
    ahead: list[str] = []
    for shard in range(box.settings.shards):
        entries = _first_entries(box, keys.action_hour(shard), most + 1)
        following = next((hour for hour, _ in entries if hour > passed), None)
        if following is None and len(entries) > most:
            following = _hour_after(box, keys.action_hour(shard), passed)
        found += entries
        ahead += [following] if following else []
    if not ahead:
        return None, None
    first = min(ahead)
    due = [key for hour, key in found if hour <= first]
    return hour_of(first), due if len(due) <= most else None


def _first_entries(box: Container, partition: str, most: int) -> list[tuple[str, Key]]:
    """Hour and key of the earliest entries of a shard."""
    raw, _ = box.tables.query_raw(Item, Path("gk") == partition, limit=most, index=ACTION_INDEX)
    return [(each["gs"]["S"], (each["pk"]["S"], each["sk"]["S"])) for each in raw]


def _hour_after(box: Container, partition: str, hour: str) -> str | None:
    condition = (Path("gk") == partition) & (Path("gs") > hour)
    raw, _ = box.tables.query_raw(Item, condition, limit=1, index=ACTION_INDEX)
    return str(raw[0]["gs"]["S"]) if raw else None


def do_page(body: Mapping[str, Any]) -> int | None:
    """Do what a page names, as of the page's instant or now, whichever is later.

    Returns:
        How many events were told; None where a handler does not know.

    Raises:
        Exception: The first of what the handlers raised, after all of them have been asked.
    """
    now = _now(parse_instant(body["at"]))
    by_prefix: dict[str, list[Key]] = {}
    for pk, sk in body["keys"]:
        by_prefix.setdefault(pk.partition("_")[0], []).append((pk, sk))
    told = each_for_itself(lambda prefix: handler_of(prefix)(by_prefix[prefix], now), list(by_prefix))
    return None if None in told else sum(each or 0 for each in told)


def _now(swept_at: datetime) -> datetime:
    """Business time, not before that of the sweep: the sandbox's clock may have moved since this process read it."""
    box = container()
    hear(box, swept_at)
    return max(box.clock.now(), swept_at)


def handler_of(prefix: str) -> Handler:
    """Who looks after items of an id prefix.

    Raises:
        UnknownPrefixError: Nobody.
    """
    module, _, name = HANDLERS.get(prefix, "").partition(":")
    if not name:
        raise UnknownPrefixError(prefix)
    found: Handler = getattr(importlib.import_module(module), name)
    return found

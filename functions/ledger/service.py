"""The books' use cases: post, list, balance, close a month."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from functions.core.clock import epoch_ms, from_epoch_ms, isoformat
from functions.core.errors import ConflictError, NotFoundError, WhitenoteError
from functions.core.ids import require_id
from functions.ledger import store
from functions.ledger.accounts import Account
from functions.ledger.balances import Balances, Totals, TrialRow
from functions.ledger.encoding import entry_from_bytes, entry_to_dict
from functions.ledger.entries import Entry, EntryKind
from functions.ledger.periods import (
    AllowanceRow,
    Period,
    PeriodNotClosableError,
    allowance,
    allowance_entry,
    open_day,
    require_closable,
    require_open,
)
from functions.ledger.store import EntryItem, LeafItem, LedgerDamagedError, PeriodItem
from functions.platform.container import Container, container
from functions.platform.storage import keys
from functions.platform.storage.table import RawItem
from functions.platform.storage.transactions import WriteSet, commit, create
from functions.platform.web.commands import same_body
from functions.platform.web.context import Call

BEHIND_UTC = timedelta(hours=12)
"""A month has ended when it has ended everywhere: entries count for the shop's or customer's own day."""

LOCK_CACHE_S = 60.0
"""For how long a container may not know of a month's close; see docs/ledger.md, Closing a month."""


class AlreadyReversedError(ConflictError):
    code, title = "already_reversed", "The entry has been reversed"


class EntryExistsError(ConflictError):
    code, title = "entry_exists", "The entry has been posted"


def plan_entry(entry: Entry, owner: str | None = None) -> WriteSet:
    """The write of an entry, to be committed together with the state that it explains.

    Args:
        entry: Its `explains` are the partition keys of the state items of the same commit, its id is the same at
            every retry (`entry_id`), and its `effective_on` comes from `accounting_day`.
        owner: In whose partition it lies; by default its customer's, else its merchant's, else the house's.

    Raises:
        PeriodLockedError: It counts for a closed month.
    """
    require_open(entry, locked_through())
    taken = AlreadyReversedError if entry.kind is EntryKind.REVERSAL else EntryExistsError
    return store.plan_put(entry, lambda _: taken(f"{entry.id} is there"), owner)


def accounting_day(value_on: date) -> date:
    """The day on which something of this value date is posted: that day, or the first one still open."""
    return open_day(value_on, locked_through())


def entry_id(object_id: str, version: int) -> str:
    """The id of the entry that explains one version of one object, the same at every retry."""
    return store.entry_id(container().secrets.key("ids"), object_id, version)


@dataclass(slots=True)
class _Lock:
    read_at: float = float("-inf")
    through: date | None = None


_lock = _Lock()


def forget() -> None:
    """Drop what this process remembers."""
    _lock.read_at = float("-inf")


def locked_through() -> date | None:
    """Last day of the last closed month, read at most once a minute."""
    if time.monotonic() - _lock.read_at > LOCK_CACHE_S:
        _lock.through = _read_lock(container())
        _lock.read_at = time.monotonic()
    return _lock.through


def _read_lock(box: Container) -> date | None:
    last = store.last_period(box.tables)
    return Period.parse(last.sk).last_on if last else None


def read_entry(name: str) -> dict[str, Any]:
    """An entry with its place in the log.

    Raises:
        NotFoundError: No such entry in the log; one just posted enters it within seconds.
    """
    tables = container().tables
    leaf = tables.get(LeafItem, require_id("txn", name), keys.LEAF)
    if leaf is None:
        raise NotFoundError
    [item] = store.read_entries(tables, [leaf])
    return _shown(name, item, leaf)


def list_entries(limit: int, start: int | None = None) -> tuple[list[dict[str, Any]], int | None]:
    """Entries in the order of the log, newest first.

    Args:
        limit: At most so many.
        start: Log index to go on from, downwards; the newest by default.

    Returns:
        The entries, and the index to go on from.
    """
    tables = container().tables
    end = store.read_head(tables).size if start is None else start + 1
    first = max(end - limit, 0)
    ids = {
        index: name
        for page in store.pages_from(tables, first, end)
        for index, name in enumerate(page.entry_ids(), start=page.first)
        if first <= index < end
    }
    found = store.logged(tables, ids.values())
    leaves = [found[name] for _, name in sorted(ids.items(), reverse=True) if name in found]
    rows = [_shown(leaf.pk, item, leaf) for leaf, item in zip(leaves, store.read_entries(tables, leaves), strict=True)]
    return rows, first - 1 if first else None


def list_owned(owner: str, limit: int, start: RawItem | None = None) -> tuple[list[dict[str, Any]], RawItem | None]:
    """Entries in an owner's partition, by id, and the key to go on from.

    Args:
        owner: `cus_…` for all that concerns a customer; `mer_…` for what concerns a merchant and no customer.
        limit: At most so many.
        start: Key to go on from.
    """
    tables = container().tables
    items, last = tables.query(EntryItem, owner, limit=limit, start=start)
    leaves = store.logged(tables, [item.sk for item in items])
    return [_shown(item.sk, item, leaves.get(item.sk)) for item in items], last


def owned_accounts(customer: str) -> list[dict[str, Any]]:
    """A customer's accounts with their balances, from all entries of the partition.

    Raises:
        LedgerDamagedError: One of them can't be read.
    """
    tables, balances, start = container().tables, Balances(), None
    while True:
        items, start = tables.query(EntryItem, customer, limit=500, start=start, consistent=True)
        for item in items:
            entry = _readable(item)
            if entry is None:
                raise LedgerDamagedError(f"{item.sk} can't be read")
            balances.post(entry)
        if start is None:
            break
    own: dict[Account, dict[str, int]] = {}
    for currency, account, balance in balances.owned(customer):
        own.setdefault(account, {})[currency] = balance
    return [_account(account, own[account]) for account in sorted(own, key=lambda account: account.code)]


def chart() -> list[dict[str, Any]]:
    """The chart of accounts with the balance of each over all owners."""
    balances: dict[Account, dict[str, int]] = {}
    for row in store.read_head(container().tables).totals.rows():
        balances.setdefault(row.account, {})[row.currency] = row.balance_minor
    return [_account(each, balances.get(each, {})) for each in sorted(Account, key=lambda account: account.code)]


def _account(account: Account, balances: Mapping[str, int]) -> dict[str, Any]:
    return {
        "account": account.slug,
        "code": account.code,
        "title": account.title,
        "class": account.account_class.value,
        "side": account.side.value,
        "scope": account.scope.value,
        "balances": [{"currency": c, "balance_minor": b} for c, b in sorted(balances.items())],
    }


def trial_balance() -> dict[str, Any]:
    """Debits and credits of every account as of the log's head, which is one read, and their difference: zero."""
    head = store.read_head(container().tables)
    rows = head.totals.rows()
    return {
        "size": head.size,
        "root": head.frontier.root().hex(),
        "at": isoformat(from_epoch_ms(head.at_ms)) if head.size else None,
        "currencies": [_currency(currency, rows) for currency in sorted({row.currency for row in rows})],
    }


def _currency(currency: str, rows: tuple[TrialRow, ...]) -> dict[str, Any]:
    own = [row for row in rows if row.currency == currency]
    debit, credit = sum(row.debit_minor for row in own), sum(row.credit_minor for row in own)
    return {
        "currency": currency,
        "debit_minor": debit,
        "credit_minor": credit,
        "difference_minor": debit - credit,
        "accounts": [
            {
                "account": row.account.slug,
                "code": row.account.code,
                "debit_minor": row.debit_minor,
                "credit_minor": row.credit_minor,
                "balance_minor": row.balance_minor,
            }
            for row in own
        ],
    }


def _shown(name: str, item: EntryItem | None, leaf: LeafItem | None) -> dict[str, Any]:
    """An entry as JSON; one that is gone or unreadable is shown as that, not hidden."""
    place = {"index": leaf.index, "leaf_hash": leaf.hash.hex()} if leaf else None
    if item is None:
        return {"id": name, "log": place, "fault": "missing"}
    entry = _readable(item)
    return {**entry_to_dict(entry), "log": place} if entry else {"id": name, "log": place, "fault": "unreadable"}


def _readable(item: EntryItem) -> Entry | None:
    try:
        return entry_from_bytes(item.data or b"")
    except WhitenoteError:
        return None


Exposures = Mapping[str, list[tuple[int, int]]]
"""Currency → (days past due, outstanding principal in minor units) per plan or per bucket."""


def close_period(period: Period, exposures: Exposures, reason: str, call: Call) -> tuple[dict[str, Any], bool]:
    """Close a month: lock it, and set aside the allowance that its exposures ask for.

    Args:
        period: Ended, and next in turn.
        exposures: As of the month's last day, per currency.
        reason: For the record.
        call: Of the staff member.

    Returns:
        The closed month, and whether this very command had closed it before.

    Raises:
        PeriodNotClosableError: Not ended, closed, or not next.
        OutOfBalanceError: The books don't balance.
        InvalidError: An exposure or rate that can't be.
    """
    box, command = container(), call.command()
    item: PeriodItem | None = box.tables.get(PeriodItem, keys.PERIODS, str(period), consistent=True)
    if item is not None and item.command == command.key:
        same_body(item.body, command)
        return present_period(item), True
    now = box.clock.now()
    require_closable(period, (now - BEHIND_UTC).date(), _read_lock(box))
    head = store.read_head(box.tables)
    head.totals.require_balance()
    rows = {currency: allowance(each) for currency, each in sorted(exposures.items())}
    item = PeriodItem(
        pk=keys.PERIODS,
        sk=str(period),
        closed_at_ms=epoch_ms(now),
        closed_by=call.who.id,
        command=command.key,
        body=command.body,
        size=head.size,
        totals=json.dumps(head.totals.to_dict(), separators=(",", ":")),
        allowance=json.dumps({currency: _rows(each) for currency, each in rows.items()}, separators=(",", ":")),
        reason=reason,
    )
    writes = WriteSet.of(create(item, lambda _: PeriodNotClosableError(f"{period} is closed already")))
    for currency, each in rows.items():
        writes += _plan_allowance(item, period, currency, sum(row.allowance_minor for row in each))
    commit(box.tables, writes)
    forget()
    return present_period(item), False


def _plan_allowance(item: PeriodItem, period: Period, currency: str, wanted_minor: int) -> WriteSet:
    """The entry that brings one currency's allowance to its size; it counts for the month that is being closed."""
    totals = Totals.from_dict(json.loads(item.totals))
    booked = {row.currency: row.balance_minor for row in totals.rows() if row.account is Account.LOSS_ALLOWANCE}
    entry = allowance_entry(
        wanted_minor,
        booked.get(currency, 0),
        entry_id=entry_id(f"{period.id}:{currency}", 1),
        currency=currency,
        occurred_at=from_epoch_ms(item.closed_at_ms),
        period=period,
        command_id=item.command.hex(),
    )
    return store.plan_put(entry) if entry else WriteSet()


def list_periods(limit: int, start: RawItem | None = None) -> tuple[list[dict[str, Any]], RawItem | None]:
    """Closed months, newest first, and the key to go on from."""
    items, last = container().tables.query(PeriodItem, keys.PERIODS, limit=limit, forward=False, start=start)
    return [present_period(item) for item in items], last


def present_period(item: PeriodItem) -> dict[str, Any]:
    """A closed month as JSON values."""
    return {
        "period": item.sk,
        "closed_at": isoformat(from_epoch_ms(item.closed_at_ms)),
        "closed_by": item.closed_by,
        "reason": item.reason,
        "size": item.size,
        "allowance": json.loads(item.allowance),
    }


def _rows(rows: tuple[AllowanceRow, ...]) -> list[dict[str, Any]]:
    return [
        {
            "bucket": row.bucket.value,
            "exposure_minor": row.exposure_minor,
            "rate_bps": row.rate_bps,
            "allowance_minor": row.allowance_minor,
        }
        for row in rows
    ]

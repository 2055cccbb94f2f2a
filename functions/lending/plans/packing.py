"""A plan as one value of bytes: at most 1,300 for 24 installments, whatever happened to them.

Form, schema 3 (numbers are LEB128, signed ones zigzag; `functions.lending.packed.varint`):

    byte 0x03
    3 × 16 bytes        ids of plan, customer, merchant
    numbers             capture instant in ms and day, terms, rules, rate, down payment, captured amount, backstop day,
                        installments
    state               as of now: scalars, then a column for each field of a row
    0x00, or 0x01 and   base: scalars; each column as itself or as its difference to the column of now, what is shorter
    count, operations   journal: kind (+ 128 if it has a key), days since the one before, amount, option, key
    numbers             revision, deferred fee, hour up to which actions are done

A stored plan outlives the code that wrote it: tables of names here only ever grow, and a change of form is a new
schema that reads the old one. Schema 2 knew no re-plan: as many installments as the terms have, no day of it, and
neither the last rule nor the last scalar amount. Schema 1 knew no holdback either: no backstop day, one rule and one
amount less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from operator import add, sub
from typing import Any, Final

from functions.core.clock import epoch_ms, from_epoch_ms
from functions.core.errors import WhitenoteError
from functions.core.ids import ID_BYTES, id_bytes, id_text
from functions.lending.journal import fold_oldest
from functions.lending.packed.columns import COLUMNS, columns_of, rows_of
from functions.lending.packed.varint import Reader, Writer
from functions.lending.plan import KEY_BYTES, Operation, OperationKind, Plan, PlanState, Release
from functions.lending.rules import PlanRules
from functions.lending.terms import Due, PlanTerms, Pricing

SCHEMA: Final = 3
_WITHOUT_REPLAN: Final = 2
_WITHOUT_HOLDBACK: Final = 1
MAX_PLAN_BYTES: Final = 1300

_PERIODS: Final = ("month", "14d", "30d")
_PRICINGS: Final = ("none", "flat_monthly", "annual_rate")
_DAY_COUNTS: Final = ("30/360", "30E/360", "actual/365", "actual/360", "actual/actual-isda")
_RESIDUALS: Final = ("last", "first", "spread")
_DUES: Final = ("order", "bill")
_WATERFALLS: Final = ("late_first", "fee_first", "principal_first")
_REFUNDS: Final = ("pro_rata", "last_first", "next_first")
_PAYOFFS: Final = ("accrued", "all_remaining")
_STATES: Final = (PlanState.ACTIVE, PlanState.PAID_OFF, PlanState.REFUNDED, PlanState.CHARGED_OFF)
_HAS_KEY = 0x80
_HOUR_MS = 3_600_000


class UnreadablePlanError(WhitenoteError):
    code, title = "unreadable_plan", "These are not the bytes of a plan"


_REMEMBERED: Final = 128
"""Plans: one is read several times in an invocation, and what a stream record has now, the next has as its former."""


def pack_plan(plan: Plan) -> bytes:
    """The bytes of a plan; equal plans give equal bytes.

    Args:
        plan: Where its history makes it too large, the oldest operations are folded into its base first (`fitted`).

    Returns:
        At most `MAX_PLAN_BYTES` for up to 24 installments of amounts below 10¹².
    """
    return _fitted(plan)[1]


def fitted(plan: Plan) -> Plan:
    """The same plan with as much of its journal as there is room for; what is stored and read back equals this."""
    return _fitted(plan)[0]


def _fitted(plan: Plan) -> tuple[Plan, bytes]:
    data = _packed(plan)
    while len(data) > MAX_PLAN_BYTES and plan.journal:
        plan = fold_oldest(plan)
        data = _packed(plan)
    return plan, data


def unpack_plan(data: bytes) -> Plan:
    """Inverse of `pack_plan`.

    Raises:
        UnreadablePlanError: Truncated, too long, or of an unknown schema.
    """
    return _unpacked(bytes(data))


@lru_cache(maxsize=_REMEMBERED)
def _unpacked(data: bytes) -> Plan:
    reader = Reader(data)
    try:
        plan = _read(reader)
    except (ValueError, IndexError, OverflowError, KeyError) as error:
        raise UnreadablePlanError(f"unreadable near byte {reader.at} of {len(data)}: {error}") from None
    if reader.at != len(data):
        raise UnreadablePlanError(f"{len(data) - reader.at} bytes are left over")
    return plan


def _packed(plan: Plan) -> bytes:
    out = Writer(bytearray([SCHEMA]))
    for name in (plan.id, plan.customer_id, plan.merchant_id):
        out.data += id_bytes(name)
    out.number(epoch_ms(plan.opened_at))
    out.number(plan.start_on.toordinal())
    out.data += plan.terms.currency.encode()
    for value in (*_terms_numbers(plan.terms), *_rules_numbers(plan.rules)):
        out.number(value)
    out.signed(plan.apr_bps)
    out.number(plan.down_payment_minor)
    out.number(plan.captured_minor)
    out.number(0 if plan.backstop_on is None else (plan.backstop_on - plan.start_on).days + 1)
    out.number(len(plan.rows))
    now = columns_of(plan)
    _write_scalars(out, plan)
    for column in now:
        out.column(column)
    out.number(0 if plan.base is None else 1)
    if plan.base is not None:
        _write_scalars(out, plan.base)
        for column, other in zip(columns_of(plan.base), now, strict=True):
            _write_either(out, column, other)
    _write_journal(out, plan)
    out.number(plan.revision)
    out.number(plan.deferred_minor)
    out.number(0 if plan.done_through is None else epoch_ms(plan.done_through) // _HOUR_MS)
    return bytes(out.data)


def _read(reader: Reader) -> Plan:
    schema = reader.take(1)[0]
    if not _WITHOUT_HOLDBACK <= schema <= SCHEMA:
        raise ValueError(f"schema {schema} is unknown")
    plan_id, customer_id, merchant_id = (id_text(prefix, reader.take(ID_BYTES)) for prefix in ("plan", "cus", "mer"))
    opened_at = from_epoch_ms(reader.number())
    start_on = date.fromordinal(reader.number())
    terms = _read_terms(reader)
    rules = _read_rules(reader, schema)
    apr_bps, down_payment, captured = reader.signed(), reader.number(), reader.number()
    backstop = reader.number() if schema > _WITHOUT_HOLDBACK else 0
    shell = Plan(
        id=plan_id,
        customer_id=customer_id,
        merchant_id=merchant_id,
        opened_at=opened_at,
        start_on=start_on,
        terms=terms,
        rules=rules,
        apr_bps=apr_bps,
        captured_minor=captured,
        rows=(),
        settled_on=start_on,
        down_payment_minor=down_payment,
        backstop_on=start_on + timedelta(days=backstop - 1) if backstop else None,
    )
    count = reader.number() if schema > _WITHOUT_REPLAN else terms.term_count
    plan = _read_scalars(reader, shell, schema)
    now = [reader.column(count) for _ in COLUMNS]
    plan = replace(plan, rows=rows_of(shell, now))
    if reader.number():
        base = _read_scalars(reader, shell, schema)
        base = replace(base, rows=rows_of(shell, [_read_either(reader, other) for other in now]))
        plan = replace(plan, base=base, journal=_read_journal(reader, base.settled_on))
    else:
        plan = replace(plan, journal=_read_journal(reader, start_on))
    revision, deferred, hours = reader.number(), reader.number(), reader.number()
    done = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=hours) if hours else None
    return replace(plan, revision=revision, deferred_minor=deferred, done_through=done)


def _terms_numbers(terms: PlanTerms) -> tuple[int, ...]:
    return (
        terms.term_count,
        _PERIODS.index(terms.period),
        _PRICINGS.index(terms.pricing.kind),
        terms.pricing.bps,
        _DAY_COUNTS.index(terms.pricing.day_count),
        terms.subsidy_bps,
        terms.down_payment_bps,
        _RESIDUALS.index(terms.residual),
        _DUES.index(terms.due.kind),
        terms.due.bill_day,
        terms.due.due_day,
    )


def _read_terms(reader: Reader) -> PlanTerms:
    currency = reader.take(3).decode("ascii")
    count, period, kind, bps, day_count, subsidy, down, residual, due, bill_day, due_day = (
        reader.number() for _ in range(11)
    )
    return PlanTerms(
        currency,
        count,
        _PERIODS[period],
        Pricing(_PRICINGS[kind], bps, _DAY_COUNTS[day_count]),
        subsidy,
        down,
        _RESIDUALS[residual],
        Due(_DUES[due], bill_day, due_day),
    )


def _rules_numbers(rules: PlanRules) -> tuple[int, ...]:
    return (
        _WATERFALLS.index(rules.waterfall),
        _REFUNDS.index(rules.refund),
        _PAYOFFS.index(rules.payoff),
        int(rules.discount_kept) | int(rules.on_collection) << 1,
        *[getattr(rules, name) for name in _RULE_NUMBERS],
    )


_RULE_NUMBERS: Final = (
    "late_daily_bps",
    "grace_days",
    "late_cap_bps",
    "annual_cap_bps",
    "deferrals_max",
    "charge_off_days",
    "withdrawal_days",
    "withdrawal_payment_days",
    "release_hold_days",
    "discount_bps",
    "loss_share_bps",
    "holdback_bps",
    "replans_max",
)


def _read_rules(reader: Reader, schema: int) -> PlanRules:
    waterfall, refund, payoff, flags = (reader.number() for _ in range(4))
    numbers: dict[str, Any] = {name: reader.number() for name in _known(_RULE_NUMBERS, schema)}
    return PlanRules(
        waterfall=_WATERFALLS[waterfall],
        refund=_REFUNDS[refund],
        payoff=_PAYOFFS[payoff],
        discount_kept=bool(flags & 1),
        on_collection=bool(flags & 2),
        **numbers,
    )


_AMOUNTS: Final = (
    "down_payment_returned_minor",
    "refunded_minor",
    "charged_off_minor",
    "repaid_minor",
    "returned_minor",
    "reversed_minor",
    "prepaid_minor",
    "written_off_minor",
    "deferrals",
    "disputed_minor",
    "fulfilled_minor",
    "replans",
)


def _known(names: tuple[str, ...], schema: int) -> tuple[str, ...]:
    return names[: len(names) - SCHEMA + schema]


def _write_scalars(out: Writer, plan: Plan) -> None:
    out.number(_STATES.index(plan.state))
    out.number((plan.settled_on - plan.start_on).days)
    for name in _AMOUNTS:
        out.number(getattr(plan, name))
    for day in (plan.withdrawn_on, plan.charged_off_on, plan.resumed_on, plan.replanned_on):
        out.number(0 if day is None else (day - plan.start_on).days + 1)
    if plan.replanned_on:
        out.number(plan.replanned_from)
        out.number(plan.carried_minor)
    out.number(len(plan.releases))
    for release in plan.releases:
        out.number((release.on - plan.start_on).days)
        out.number(release.amount_minor)


def _read_scalars(reader: Reader, shell: Plan, schema: int) -> Plan:
    state = _STATES[reader.number()]
    settled_on = shell.start_on + timedelta(days=reader.number())
    amounts: dict[str, Any] = {name: reader.number() for name in _known(_AMOUNTS, schema)}
    days = [reader.number() for _ in range(4 if schema > _WITHOUT_REPLAN else 3)]
    known = [shell.start_on + timedelta(days=day - 1) if day else None for day in days]
    withdrawn, charged_off, resumed, replanned = (*known, None)[:4]
    replanned_from, carried = (reader.number(), reader.number()) if replanned else (0, 0)
    releases = tuple(
        [Release(shell.start_on + timedelta(days=reader.number()), reader.number()) for _ in range(reader.number())]
    )
    return replace(
        shell,
        state=state,
        settled_on=settled_on,
        withdrawn_on=withdrawn,
        charged_off_on=charged_off,
        resumed_on=resumed,
        replanned_on=replanned,
        replanned_from=replanned_from,
        carried_minor=carried,
        releases=releases,
        **amounts,
    )


def _write_either(out: Writer, column: Sequence[int], other: Sequence[int]) -> None:
    whole, difference = Writer(), Writer()
    whole.column(column)
    difference.column(list(map(sub, column, other)))
    shorter = len(difference.data) < len(whole.data)
    out.number(int(shorter))
    out.data += difference.data if shorter else whole.data


def _read_either(reader: Reader, other: Sequence[int]) -> list[int]:
    is_difference = reader.number()
    column = reader.column(len(other))
    return list(map(add, column, other)) if is_difference else column


def _write_journal(out: Writer, plan: Plan) -> None:
    out.number(len(plan.journal))
    last = plan.base.settled_on if plan.base else plan.start_on
    for line in plan.journal:
        out.number(line.kind | (_HAS_KEY if line.key else 0))
        out.number((line.on - last).days)
        out.number(line.amount_minor)
        out.number(line.option)
        out.data += line.key
        last = line.on


def _read_journal(reader: Reader, last: date) -> tuple[Operation, ...]:
    lines = []
    for _ in range(reader.number()):
        head = reader.number()
        last += timedelta(days=reader.number())
        amount, option = reader.number(), reader.number()
        key = reader.take(KEY_BYTES) if head & _HAS_KEY else b""
        lines.append(Operation(OperationKind(head & ~_HAS_KEY), last, amount, option, key))
    return tuple(lines)

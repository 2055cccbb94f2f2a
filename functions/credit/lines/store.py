"""The credit line as an item: money, status, velocity and single use, all changed in one conditional update.

`limit = available + held + outstanding` at every instant. The authorization path never conditions on `version`: it
changes sums by ADD under the conditions that matter, so that purchases of one customer do not queue behind each other.

Single use costs no item of its own: 6-byte hashes of used pay tokens and idempotency keys stand in two sets, one per
quarter-hour of either parity, which outlive every quote (15 minutes). The hard velocity cap is the size of the set. Of
payment codes the step of the last one is kept: only later ones pay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pynamodb.attributes import BinaryAttribute, BinarySetAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action, AddAction

from functions.core.ids import id_text
from functions.lending.line import LineChange, LineOverdrawnError
from functions.platform.storage import keys
from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute, RawItem
from functions.platform.storage.transactions import OnConflict, Statement, Update, WriteSet, create

QUARTER_MS = 15 * 60 * 1000
DAY_MS = 24 * 60 * 60 * 1000
KEPT_QUARTERS = 5
KEPT_DAYS = 2
MAX_USES_PER_QUARTER = 16
USE_BYTES = 6
"""Kept of each hash: two uses of one line look alike once in 10¹², and then a purchase is refused, never granted."""
_HASHES_PER_USE = 2
_RING = 36 * 36
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class LineItem(State):
    """One customer's line in one currency."""

    customer = BinaryAttribute(legacy_encoding=False, attr_name="c")
    currency = UnicodeAttribute(attr_name="cu")
    status = UnicodeAttribute(attr_name="s", default="active")
    limit = IntegerAttribute(attr_name="lm")
    available = IntegerAttribute(attr_name="av")
    held = IntegerAttribute(attr_name="hd", default=0)
    outstanding = IntegerAttribute(attr_name="os", default=0)
    grade = UnicodeAttribute(attr_name="g")
    terms = UnicodeAttribute(attr_name="tm")  # allowed term counts, for example "1,3,6,12"
    zone = UnicodeAttribute(attr_name="z")
    language = UnicodeAttribute(attr_name="l")
    opened_at_ms = IntegerAttribute(attr_name="t")
    frozen_reason = UnicodeAttribute(attr_name="fr", null=True)
    frozen_by = UnicodeAttribute(attr_name="fb", null=True)
    frozen_until_ms = IntegerAttribute(attr_name="fu", null=True)
    application = BinaryAttribute(legacy_encoding=False, attr_name="ap", null=True)
    quarter_0 = IntegerAttribute(attr_name="q0", null=True)
    quarter_1 = IntegerAttribute(attr_name="q1", null=True)
    used_0 = BinarySetAttribute(legacy_encoding=False, attr_name="u0")
    used_1 = BinarySetAttribute(legacy_encoding=False, attr_name="u1")
    devices = UnicodeAttribute(attr_name="td", null=True)  # who may make payment codes: functions.checkout.codes
    alias_turn = IntegerAttribute(attr_name="ar", null=True)
    last_counter = IntegerAttribute(attr_name="lc", null=True)
    own_counter = IntegerAttribute(attr_name="sc", null=True)  # step of the code that we made for the customer
    confirm_until_ms = IntegerAttribute(attr_name="cf", null=True)  # wall; until then every code needs the phone

    buckets: Mapping[str, int]
    """Velocity buckets by stored name; read with `quarter_counts` and `day_sums`."""

    @classmethod
    def from_raw_data(cls, data: dict[str, Any]) -> LineItem:
        item = super().from_raw_data(data)
        item.buckets = {
            name: int(value["N"]) for name, value in data.items() if len(name) == _BUCKET_NAME and name[0] in "kwnm"
        }
        return item

    @property
    def alias(self) -> int:
        return int(self.pk.partition("#")[2])

    @property
    def customer_id(self) -> str:
        return id_text("cus", self.customer)

    @property
    def allowed_terms(self) -> frozenset[int]:
        return frozenset(int(term) for term in self.terms.split(","))


_BUCKET_NAME = 3


def bucket_name(kind: str, number: int) -> str:
    """Stored name of a bucket: kind and two base-36 digits of its number; it is removed long before that wraps."""
    place = number % _RING
    return f"{kind}{_DIGITS[place // 36]}{_DIGITS[place % 36]}"


@dataclass(frozen=True, slots=True)
class Velocity:
    """What the line itself remembers of recent purchases.

    Args:
        quarters: Count of authorizations in this quarter-hour and the four before, newest first.
        quarter_sums_minor: Their sums.
        day_counts: Count of today and of yesterday, UTC; the profile remembers further back.
        day_sums_minor: Their sums.
    """

    quarters: tuple[int, ...]
    quarter_sums_minor: tuple[int, ...]
    day_counts: tuple[int, ...]
    day_sums_minor: tuple[int, ...]


def velocity(line: LineItem, now_ms: int) -> Velocity:
    """Read the buckets as of an instant (wall milliseconds)."""
    quarter, day = now_ms // QUARTER_MS, now_ms // DAY_MS
    get = line.buckets.get
    return Velocity(
        quarters=tuple(get(bucket_name("k", quarter - i), 0) for i in range(KEPT_QUARTERS)),
        quarter_sums_minor=tuple(get(bucket_name("w", quarter - i), 0) for i in range(KEPT_QUARTERS)),
        day_counts=tuple(get(bucket_name("n", day - i), 0) for i in range(KEPT_DAYS)),
        day_sums_minor=tuple(get(bucket_name("m", day - i), 0) for i in range(KEPT_DAYS)),
    )


def _stale(line: LineItem, quarter: int, day: int) -> list[str]:
    kept = {bucket_name(kind, quarter - i) for kind in "kw" for i in range(KEPT_QUARTERS)}
    kept |= {bucket_name(kind, day - i) for kind in "nm" for i in range(KEPT_DAYS)}
    return sorted(set(line.buckets) - kept)


def plan_open(line: LineItem, on_conflict: OnConflict) -> WriteSet:
    """A new line under an alias that nobody has."""
    return WriteSet.of(create(line, on_conflict))


@dataclass(frozen=True, slots=True)
class CodeUse:
    """A payment code that a purchase uses up.

    Args:
        counter: The step it was made for.
        ours: Whether we made it for the customer; then it is good for the step that we made it for and no other.
        devices: The line's devices as read; one that is removed meanwhile pays nothing.
        alias_turn: The turn as read; an alias that is renewed meanwhile pays nothing.
    """

    counter: int
    ours: bool
    devices: str | None
    alias_turn: int | None

    def terms(self, values: dict[str, Any]) -> list[str]:
        """What the line must still say; its values are put to the others."""
        values[":counter"] = _n(self.counter)
        told = ["(attribute_not_exists(lc) OR lc < :counter)"]
        for name, as_read in (("td", self.devices), ("ar", self.alias_turn)):
            if as_read is None:
                told.append(f"attribute_not_exists({name})")
            else:
                values[f":{name}"] = {"S": as_read} if isinstance(as_read, str) else _n(as_read)
                told.append(f"{name} = :{name}")
        return [*told, "sc = :counter"] if self.ours else told


def unchanged(name: str, value: str | int | None) -> Condition:
    """An attribute is as it was read."""
    as_read: Condition = Path(name).does_not_exist() if value is None else Path(name) == value
    return as_read


def plan_hold(  # noqa: PLR0917  the five things every hold is about, and the code of some
    line: LineItem,
    amount_minor: int,
    uses: Sequence[bytes],
    now_ms: int,
    on_conflict: OnConflict,
    code: CodeUse | None = None,
) -> WriteSet:
    """Hold part of the line, once per use.

    Args:
        line: As read, possibly stale: every condition is judged again by the write.
        amount_minor: Financed principal.
        uses: The two hashes (pay token or code, idempotency key) that this purchase uses up.
        now_ms: Wall milliseconds.
        on_conflict: Makes the error from the line as it is, for `hold_refusal` to explain.
        code: At a till.
    """
    quarter, day = now_ms // QUARTER_MS, now_ms // DAY_MS
    mine, other, stamp = f"u{quarter % 2}", f"u{1 - quarter % 2}", f"q{quarter % 2}"
    hashes = {f":u{i}": used[:USE_BYTES] for i, used in enumerate(uses)}
    values: dict[str, Any] = {
        ":active": {"S": "active"}, ":amount": _n(amount_minor), ":less": _n(-amount_minor), ":one": _n(1),
        ":quarter": _n(quarter), ":uses": {"BS": list(hashes.values())},
        **{name: {"B": used} for name, used in hashes.items()},
    }  # fmt: skip
    names = {f"#{kind}": bucket_name(kind, quarter if kind in "kw" else day) for kind in "kwnm"}
    stale = {f"#x{i}": name for i, name in enumerate(_stale(line, quarter, day))}
    terms = ["s = :active", "av >= :amount", *(f"NOT contains({other}, {name})" for name in hashes)]
    sums = ["av :less", "hd :amount", "#k :one", "#w :amount", "#n :one", "#m :amount"]
    sets: list[str] = []
    if code:
        terms += code.terms(values)
        sets.append("lc = :counter")
    if (line.quarter_0 if quarter % 2 == 0 else line.quarter_1) == quarter:
        values[":most"] = _n(MAX_USES_PER_QUARTER * _HASHES_PER_USE)
        terms += [*(f"NOT contains({mine}, {name})" for name in hashes), f"{stamp} = :quarter", f"size({mine}) < :most"]
        sums.append(f"{mine} :uses")
    else:
        terms.append(f"(attribute_not_exists({stamp}) OR {stamp} < :quarter)")
        sets += [f"{stamp} = :quarter", f"{mine} = :uses"]
    clauses = {"ADD": sums, "SET": sets, "REMOVE": list(stale)}
    update = " ".join(f"{clause} {', '.join(parts)}" for clause, parts in clauses.items() if parts)
    condition = " AND ".join(terms)
    statement = Statement(LineItem, line.pk, keys.SELF, update, condition, names | stale, values, on_conflict)
    return WriteSet.of(statement)


def _n(number: int) -> dict[str, str]:
    return {"N": str(number)}


def is_used(line: LineItem, use: bytes) -> bool:
    """Whether a hash was used up within the last quarter-hour."""
    return use[:USE_BYTES] in (line.used_0 or ()) or use[:USE_BYTES] in (line.used_1 or ())


def hold_refusal(  # noqa: PLR0911  a list of reasons, most telling first
    raw: RawItem | None, amount_minor: int, uses: Sequence[bytes], now_ms: int, code: CodeUse | None = None
) -> str:
    """Why the line refused: "none", "code_used", "used", "frozen", "exhausted", "velocity", or "stale" (try again)."""
    if raw is None:
        return "none"
    line = LineItem.from_raw_data(raw)
    if code and (line.last_counter or 0) >= code.counter:
        return "code_used"
    if any(is_used(line, used) for used in uses):
        return "used"
    if line.status != "active":
        return "frozen"
    if line.available < amount_minor:
        return "exhausted"
    quarter = now_ms // QUARTER_MS
    stamped, used_now = (line.quarter_0, line.used_0) if quarter % 2 == 0 else (line.quarter_1, line.used_1)
    if stamped == quarter and len(used_now or ()) >= MAX_USES_PER_QUARTER * _HASHES_PER_USE:
        return "velocity"
    return "stale"


def plan_move(alias: int, change: LineChange) -> WriteSet:
    """Move money between the parts of a line, or change its limit; the change itself keeps the identity."""
    changes = {
        "av": change.available_minor,
        "hd": change.held_minor,
        "os": change.outstanding_minor,
        "lm": change.limit_minor,
    }
    actions = tuple(Path(name).add(by) for name, by in changes.items() if by)
    if not actions:
        return WriteSet()
    condition: Condition = Path("pk").exists()
    for name in ("hd", "os", "lm"):
        if changes[name] < 0:
            condition = condition & (Path(name) >= -changes[name])
    return WriteSet.of(Update(LineItem, keys.line(alias), keys.SELF, actions, condition, _broken))


def summed(actions: Sequence[Action]) -> tuple[Action, ...]:
    """The same actions, what they add to one number added at once: an update names an attribute once."""
    sums: dict[str, int] = {}
    others: list[Action] = []
    for action in actions:
        if isinstance(action, AddAction):
            ((_, number),) = action.values[1].values[0].items()
            name = str(action.values[0])
            sums[name] = sums.get(name, 0) + int(number)
        else:
            others.append(action)
    return (*others, *(Path(name).add(amount) for name, amount in sums.items() if amount))


def _broken(item: RawItem | None) -> Exception:
    parts = {name: item[name]["N"] for name in ("lm", "av", "hd", "os") if name in item} if item else {}
    return LineOverdrawnError(f"the line does not hold or owe what is to be moved: {parts}")

"""Carrying a change out: the line in one conditional update, its record beside it, and the limit file's own memory.

The line is never put whole: purchases change its sums by ADD without moving its version, so a change of the limit adds
the difference and is judged over the version alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action

from functions.core.clock import epoch_ms, from_epoch_ms
from functions.credit.lines.store import LineItem
from functions.credit.upkeep.store import LimitFileItem, file_id, plan_record
from functions.credit.upkeep.texts import TEXTS
from functions.credit.upkeep.values import Kind, LimitChange
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.action_index import hour_key, shard_of
from functions.platform.storage.outbox import Pending, pack
from functions.platform.storage.transactions import Update, WriteSet

_TELLS = {"freeze": "credit_line.frozen", "lift": "credit_line.lifted"}


def by_hand(
    line: LineItem, kind: Kind, code: str, by: str, *, after_minor: int | None = None, extra_minor: int = 0
) -> LimitChange:
    """A change that a person, a rule or the customer makes, not a review.

    Args:
        line: As read.
        kind: What happens.
        code: One of `TEXTS`.
        by: Staff subject, "rule:…" or "customer".
        after_minor: Whole limit after; None leaves it.
        extra_minor: The temporary part of it.

    Raises:
        ValueError: A code that has no text: its customer could not be told why.
    """
    if code not in TEXTS:
        raise ValueError(f"{code!r} has no text for the customer")
    after = line.limit if after_minor is None else after_minor
    return LimitChange(
        kind=kind,
        code=code,
        text_en=TEXTS[code][0],
        text_zh=TEXTS[code][1],
        before_minor=line.limit,
        after_minor=after,
        base_limit_minor=after - extra_minor,
        temporary=None,
        freezes=kind == "freeze",
        effective_on=container().clock.now().date(),
        observed={},
        actor=by,
        policy_hash="",
        model_version="",
    )


def plan_limit_change(
    line: LineItem, change: LimitChange, *, request_id: str, reason: str = "", frozen_until: datetime | None = None
) -> WriteSet:
    """The line's next state, its event and the record of the change.

    Args:
        line: Read consistently; the write is over this version.
        change: What is done; `before_minor` is the line's limit as read.
        request_id: Of the command or record that caused it.
        reason: What a person wrote; for staff only.
        frozen_until: When a freeze ends by itself; None: someone lifts it.

    Raises (at commit):
        ConditionFailedError: The line changed meanwhile.
    """
    now, version = container().clock.now(), line.version + 1
    difference = change.after_minor - change.before_minor
    told = Pending(_TELLS.get(change.kind, "credit_line.changed"), _note(change, difference))
    actions: list[Action] = [Path("v").set(version), Path("ob").set(pack(version, now, request_id, told))]
    if difference:
        actions += [Path("lm").add(difference), Path("av").add(difference)]
    if change.freezes:
        actions += [Path("s").set("frozen"), Path("fr").set(change.code), Path("fb").set(change.actor)]
        ends = Path("fu").remove() if frozen_until is None else Path("fu").set(epoch_ms(frozen_until))
        actions.append(ends)
    if change.kind == "lift":
        actions += [Path("s").set("active"), Path("fr").remove(), Path("fb").remove(), Path("fu").remove()]
    moved = WriteSet.of(Update(LineItem, line.pk, line.sk, tuple(actions), Path("v") == line.version))
    owner = file_id(line.customer_id, line.currency)
    return moved + plan_record(owner, version, change, now, reason=reason, request_id=request_id)


def _note(change: LimitChange, difference: int) -> dict[str, Any]:
    """The little that the line itself does not say: it has to fit into the smallest item there is."""
    note: dict[str, Any] = {} if change.freezes else {"c": change.code}
    return note | ({"d": difference} if difference else {})


def told_change(event_type: str, note: Mapping[str, Any], line: LineItem) -> dict[str, Any]:
    """A change as its event carries it.

    Args:
        event_type: "credit_line.changed", ".frozen" or ".lifted".
        note: As `_note` made it.
        line: After the change.
    """
    difference, code = note.get("d", 0), note.get("c") or line.frozen_reason
    moved = code if code in {"temporary_start", "temporary_end"} else "raise" if difference > 0 else "cut"
    text_en, text_zh = TEXTS[code]
    return {
        "kind": {told: kind for kind, told in _TELLS.items()}.get(event_type, moved),
        "code": code,
        "text_en": text_en,
        "text_zh": text_zh,
        "before_minor": line.limit - difference,
        "after_minor": line.limit,
    }


def remember_change(file: LimitFileItem, change: LimitChange) -> None:
    """What the file keeps of a change, for the next review; the caller writes the file."""
    on = change.effective_on.isoformat()
    if change.kind == "raise":
        file.raised_on, file.income_fresh = on, 0
    if change.after_minor < change.before_minor and change.kind in {"cut", "freeze"}:
        file.cut_on, file.cut_code = on, "M2" if change.kind == "freeze" else change.code
    temporary = change.temporary if change.kind != "temporary_end" else None
    file.extra = temporary.extra_minor if temporary else None
    file.extra_until = temporary.until_on.isoformat() if temporary else None


def set_timer(file: LimitFileItem, zone: str) -> None:
    """Put the file into the action index for the first thing that ends by itself, or take it out.

    Args:
        file: About to be written.
        zone: The customer's; a temporary limit ends with the customer's day.
    """
    ends = []
    if file.temporary is not None:
        after = file.temporary.until_on + timedelta(days=1)
        ends.append(datetime.combine(after, time(), ZoneInfo(zone)))
    if file.thaw_ms is not None:
        ends.append(from_epoch_ms(file.thaw_ms))
    file.shard = keys.action_hour(shard_of(file.pk, container().settings.shards)) if ends else None
    file.hour = hour_key(min(ends)) if ends else None

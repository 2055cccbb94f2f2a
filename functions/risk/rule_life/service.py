"""Use cases of rules: draft, carry on, let decide, take back. Whoever wrote a rule never lets it count.

Each command is one transaction: the rule over its version, older versions that it replaces, and, where it changes what
decides, the rule sets under their hashes and the head over its version.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from functions.core.clock import epoch_ms, from_epoch_ms, isoformat
from functions.core.errors import FieldError, IdempotencyKeyReusedError, InvalidError, NotFoundError, UnavailableError
from functions.core.ids import require_id
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending, Rendered, Told
from functions.platform.storage.table import RawItem
from functions.platform.storage.transactions import ConditionFailedError, WriteSet, commit
from functions.platform.web.commands import is_replay, remember
from functions.platform.web.context import Call
from functions.platform.web.pagination import page_limit, seal, unseal
from functions.risk.rule_life.backtest_service import backtest_report
from functions.risk.rule_life.lifecycle import RuleLife, RuleState, as_of, move
from functions.risk.rule_life.live import forget
from functions.risk.rule_life.publication import SHIPPED, every_rule, plan_publication, publication, rule_id
from functions.risk.rule_life.store import RULE_PREFIX, RuleItem, Stored, plan_rule, read_rules, schema_of
from functions.risk.rules import InvalidRule, compile_rule
from functions.risk.ruling.ruleset import BUCKETS

_TRIES: Final = 6
_REPLACED: Final = frozenset({RuleState.SHADOW, RuleState.CANARY, RuleState.LIVE, RuleState.SNOOZED})
_RESERVED: Final = re.compile(r"\.v\d+$")


class TimeInPastError(InvalidError):
    code, title = "time_in_past", "The time has passed"


@dataclass(frozen=True, slots=True)
class Order:
    """What a command says beside its verb.

    Args:
        reason: Why; for the history.
        share_bps: For a canary.
        until: For snooze, when it wakes; for activate, when it expires.
    """

    reason: str = ""
    share_bps: int = BUCKETS
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """What made a rule change, for its event."""

    request_id: str
    what: str


def present(item: RuleItem) -> dict[str, Any]:
    """A version of a rule as staff see it."""
    life = as_of(item.life(), container().clock.now())
    rule = compile_rule(item.source, schema_of(item.source))
    return {
        "id": item.sk,
        "object": "risk_rule",
        "name": item.name,
        "rule_version": item.number,
        "version": item.version,
        "status": str(life.state),
        "pass": "sync" if rule.synchronous else "stream",
        "title": rule.title,
        "reason_code": rule.reason,
        "outcome": rule.outcome.text if rule.synchronous else None,
        "rule": item.source,
        "signals": list(rule.signals),
        "author": item.author,
        "approved_by": life.approved_by or None,
        "share_bps": life.share_bps,
        "until": isoformat(life.until) if life.until else None,
        "backtest": item.report,
        "history": item.history,
        "created_at": isoformat(from_epoch_ms(item.created_at_ms)) if item.created_at_ms else None,
    }


def draft(source: dict[str, Any], reason: str, call: Call) -> tuple[dict[str, Any], bool]:
    """Write the next version of a rule; it does nothing until two people have carried it on.

    Args:
        source: In the grammar of rule_schema.json; its `version` is set here, and its `id` gets a suffix from the
            second version on, so that two versions can run beside each other.
        reason: Why it is wanted.
        call: Its principal is the author.

    Returns:
        The rule, and whether it is the same one again.

    Raises:
        InvalidRule: Carries the JSON pointer of the first thing wrong.
    """
    box, command = container(), call.command()
    name = _name(source)
    secret = box.secrets.key("ids")
    for _ in range(_TRIES):
        rules = every_rule(secret, read_rules(box.tables, consistent=True))
        for item in rules.values():
            if item.key == command.key:
                if item.body != command.body:
                    raise IdempotencyKeyReusedError
                return present(item), True
        number = 1 + max((item.number for item in rules.values() if item.name == name), default=0)
        now = box.clock.now()
        item = RuleItem(
            pk=keys.RULES,
            sk=rule_id(secret, name, number),
            version=0,
            name=name,
            number=number,
            source=_numbered(source, name, number),
            author=call.who.id,
            history=[],
            created_at_ms=epoch_ms(now),
            key=command.key,
            body=command.body,
        )
        item.set_life(RuleLife(call.who.id))
        item.note(now, "drafted", call.who.id, reason)
        plan = plan_rule(item, ConditionFailedError)
        item.tell(now, call.request_id, Pending("risk_rule.drafted"))
        try:
            commit(box.tables, plan)
        except ConditionFailedError:
            continue
        return present(item), False
    raise UnavailableError("others write versions of this rule", retry_after_s=1)


def _name(source: dict[str, Any]) -> str:
    """The rule's own name, once the whole of it has been found sound."""
    try:
        name = compile_rule(source, schema_of(source)).id
        if _RESERVED.search(name):
            raise InvalidRule("/id", "reserved", "a name that ends like a version is given by us")
    except InvalidRule as error:
        raise _in_body(error) from None
    return name


def _in_body(error: InvalidRule) -> InvalidRule:
    """The same with its pointer into the request's body, where the rule is the member `rule`."""
    [field] = error.errors
    return InvalidRule(f"/rule{error.pointer}", error.reason, field.detail)


def _numbered(source: dict[str, Any], name: str, number: int) -> dict[str, Any]:
    return {
        "reason": name,
        **source,
        "id": name if number == 1 else f"{name}.v{number}",
        "version": number,
    }


def list_rules(call: Call) -> dict[str, Any]:
    """Every version of every rule, shipped and stored, by name."""
    box, limit = container(), page_limit(call.query)
    secret = box.secrets.key("cursors")
    start = unseal(secret, keys.RULES, call.query.get("cursor"))
    after = start["sk"]["S"] if start else ""
    wanted = call.query.get("status")
    rules = every_rule(box.secrets.key("ids"), read_rules(box.tables)).values()
    shown = {f"{item.name}#{item.number:06d}": item for item in rules}
    places = [place for place in sorted(shown) if place > after and wanted in {None, shown[place].state}]
    last = {"sk": {"S": places[limit - 1]}} if len(places) > limit else None
    return {
        "data": [present(shown[place]) for place in places[:limit]],
        "next_cursor": seal(secret, keys.RULES, last),
    }


def read_rule(rule: str) -> dict[str, Any]:
    """A version of a rule.

    Raises:
        NotFoundError: Not there.
    """
    box = container()
    return present(_found(every_rule(box.secrets.key("ids"), read_rules(box.tables)), rule))


def _found(rules: dict[str, RuleItem], rule: str) -> RuleItem:
    item = rules.get(require_id(RULE_PREFIX, rule))
    if item is None:
        raise NotFoundError
    return item


def results(rule: str, call: Call) -> dict[str, Any]:
    """What a rule has done where it was run: in shadow, on canaries or live; `?days=` back, `?reviews_a_day=` possible.

    Raises:
        NotFoundError: Not there.
        InvalidError: A parameter is out of range.
    """
    box = container()
    item = _found(every_rule(box.secrets.key("ids"), read_rules(box.tables)), rule)
    days = _number(call, "days", 30, 90)
    reviews_a_day = _number(call, "reviews_a_day", 50, 1_000_000)
    compiled = compile_rule(item.source, schema_of(item.source))
    return backtest_report(compiled, days, reviews_a_day, only_where_run=True)


def _number(call: Call, name: str, default: int, most: int) -> int:
    text = call.query.get(name, str(default))
    if text.isascii() and text.isdigit() and len(text) <= len(str(most)) and 1 <= int(text) <= most:
        return int(text)
    raise InvalidError(f"{name} is 1 to {most}", errors=(FieldError(name, "out_of_range", f"1 to {most}"),))


def run_backtest(rule: str, days: int, reviews_a_day: int, call: Call) -> tuple[dict[str, Any], bool]:
    """See what a rule would have done with the decisions of the last days; the report stays with the rule.

    Args:
        rule: Its id.
        days: How far to look back, 1 … 90.
        reviews_a_day: How many cases the reviewers can do.
        call: Its command is remembered.

    Raises:
        RuleStateError: It was not validated.
    """
    box = container()
    item = _found(every_rule(box.secrets.key("ids"), read_rules(box.tables)), rule)
    move(as_of(item.life(), box.clock.now()), "backtest", call.who.id)  # before anything dear is done
    report = backtest_report(compile_rule(item.source, schema_of(item.source)), days, reviews_a_day)
    return command_rule(rule, "backtest", Order(), call, report)


def command_rule(
    rule: str, verb: str, order: Order, call: Call, report: dict[str, Any] | None = None
) -> tuple[dict[str, Any], bool]:
    """Carry a rule one step on (functions/risk/rule_life/lifecycle.py).

    Raises:
        NotFoundError: Not there.
        RuleStateError, AuthorApprovesError, BadShareError: See `move`.
        TimeInPastError: `until` has passed.
        TooManyRulesError: One more rule would be too much.
    """
    box, command, by = container(), call.command(), call.who.id
    for _ in range(_TRIES):
        stored = read_rules(box.tables, consistent=True)
        rules = every_rule(box.secrets.key("ids"), stored)
        item = _found(rules, rule)
        if is_replay(item.commands, command):
            return present(item), True
        now = box.clock.now()
        if order.until is not None and order.until <= now:
            raise TimeInPastError(f"it is {isoformat(now)}", errors=(FieldError("/until", "time_in_past", "later"),))
        before = as_of(item.life(), now)
        item.set_life(move(before, verb, by, share_bps=order.share_bps, until=order.until))
        item.report = report or item.report
        item.note(now, verb, by, order.reason)
        item.commands = remember(item.commands, command)
        replaced = _replaced(rules, item, now) if verb == "activate" else []
        if verb == "validate":
            publication([*rules.values(), _as_if_live(item)], now)
        try:
            commit(box.tables, *_writes([item, *replaced], rules, stored, now, Cause(call.request_id, verb)))
        except ConditionFailedError:
            continue
        forget()
        return present(item), False
    raise UnavailableError("the rules are busy", retry_after_s=1)


def _as_if_live(item: RuleItem) -> RuleItem:
    copy = RuleItem.from_raw_data(item.serialize())
    copy.set_life(replace(item.life(), state=RuleState.LIVE, until=None))
    return copy


def _replaced(rules: dict[str, RuleItem], item: RuleItem, now: datetime) -> list[RuleItem]:
    """Other versions of the rule that still run: the one that goes live takes their place."""
    others = [other for other in rules.values() if other.name == item.name and other.sk != item.sk]
    running = [other for other in others if as_of(other.life(), now).state in _REPLACED]
    for other in running:
        other.set_life(replace(other.life(), state=RuleState.RETIRED, until=None, woken=None))
        other.note(now, f"replaced_by_version_{item.number}", item.approved_by or "")
    return running


def _writes(
    changed: Sequence[RuleItem], rules: dict[str, RuleItem], stored: Stored, now: datetime, cause: Cause
) -> list[WriteSet]:
    writes = []
    for item in changed:
        rules[item.sk] = item
        writes.append(plan_rule(item, ConditionFailedError))
        item.tell(now, cause.request_id, Pending("risk_rule.changed", {"what": cause.what}))
    return [*writes, plan_publication(rules, stored.head, now, ConditionFailedError)]


def act(due: Sequence[tuple[str, str]], now: datetime) -> int:
    """What the action-hour sweep does with rules: wake what was snoozed, retire what has expired.

    Args:
        due: Keys of rules.
        now: Instant of the sweep.

    Returns:
        How many events were told.

    Raises:
        UnavailableError: Others keep changing the rules; the page comes again.
    """
    box = container()
    for _ in range(_TRIES):
        stored = read_rules(box.tables, consistent=True)
        rules = every_rule(box.secrets.key("ids"), stored)
        ended = [rules[sk] for _, sk in due if sk in rules and _ends(rules[sk], now)]
        if not ended:
            return 0
        for item in ended:
            item.set_life(as_of(item.life(), now))
            item.note(now, "expired" if item.state == RuleState.RETIRED else "woken", SHIPPED)
        try:
            commit(box.tables, *_writes(ended, rules, stored, now, Cause("sweep", "time")))
        except ConditionFailedError:
            continue
        forget()
        return len(ended)
    raise UnavailableError("the rules are busy", retry_after_s=1)


def _ends(item: RuleItem, now: datetime) -> bool:
    return item.until_ms is not None and item.until_ms <= epoch_ms(now)


def render(told: Told, image: RawItem) -> Rendered | None:
    """The payload of a rule's event; staff alone hear of it."""
    item = RuleItem.from_raw_data(dict(image))
    return Rendered(object_id=item.sk, data={"rule": present(item), **told.note})

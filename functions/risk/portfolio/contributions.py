"""What one item adds to the portfolio's sums. Pure: an image in, named amounts out.

A sum moves by what an item adds after a change less what it added before, so the sum over all changes is what all items
add now: in whatever order the changes arrive, and however many there were. Only a change that came twice would show,
and that is what the note of every record prevents. What happens once (a bucket left for another, a charge-off) adds
once, at that change.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator
from datetime import date
from typing import Final

from functions.core.clock import from_epoch_ms
from functions.lending.plan import Plan, PlanState, delinquency
from functions.lending.plans.store import PlanItem, from_image
from functions.payments.authorization import Status
from functions.payments.scenario import SCENARIOS
from functions.payments.store import AuthorizationItem, to_value
from functions.platform.bus.stream import StreamRecord
from functions.platform.storage import keys
from functions.platform.storage.table import RawItem
from functions.risk.watch.facts import First, as_of, first_installment

Key = tuple[str, str]
"""Currency, and the name of a sum."""

Amount = tuple[int, int]
"""How many, and how much in minor units; signed."""

_TAKEN: Final = frozenset({Status.APPROVED, Status.PARTIALLY_CAPTURED, Status.CAPTURED})
SENSITIVE: Final = "other"
"""Under this name stand scenarios that may not be told apart."""


def deltas(record: StreamRecord) -> dict[Key, Amount]:
    """What a stream record changes in the sums; nothing where nothing moved."""
    if record.new is None:
        return {}
    moved: Tally[tuple[Key, int]] = Tally()
    for image, sign in ((record.new, 1), (record.old, -1)):
        for key, (count, total) in _standing(record.pk, record.sk, image):
            moved[key, 0] += sign * count
            moved[key, 1] += sign * total
    for key, (count, total) in _once(record):
        moved[key, 0] += count
        moved[key, 1] += total
    names = dict.fromkeys(key for key, _ in moved)
    return {key: found for key in names if any(found := (moved[key, 0], moved[key, 1]))}


def _standing(pk: str, sk: str, image: RawItem | None) -> Iterator[tuple[Key, Amount]]:
    """What an item adds as it stands."""
    if image is None:
        return
    if sk == keys.SELF:
        if pk.startswith("plan_"):
            yield from _of_plan(from_image(image))
        elif pk.startswith("line#"):
            yield from _of_line(image)
        elif pk.startswith("auth_"):
            yield from _of_authorization(AuthorizationItem.from_raw_data(dict(image)))
    elif sk.startswith(keys.APPLICATION):
        month = _month(from_epoch_ms(int(image["t"]["N"])).date())
        granted = int(image["lm"]["N"]) if image["o"]["S"] == "approved" else 0
        yield (image["cu"]["S"], f"application#{month}#{image['o']['S']}"), (1, granted)
        if "g" in image:
            yield (image["cu"]["S"], f"grade#{month}#{image['g']['S']}"), (1, granted)
    elif sk == keys.LABEL:
        month = _month(from_epoch_ms(int(image["t"]["N"])).date())
        finding = "fraud" if image["f"]["BOOL"] else "cleared"
        yield (image["cu"]["S"], f"label#{month}#{finding}"), (1, int(image["am"]["N"]))


def _of_plan(item: PlanItem) -> Iterator[tuple[Key, Amount]]:
    plan = item.plan()
    currency, owed = item.currency, plan.outstanding_minor
    month = _month(plan.start_on)
    if plan.state is PlanState.ACTIVE:
        bucket = delinquency(plan, as_of(plan, item.zone))
        yield (currency, f"bucket#{bucket}"), (1, owed)
        yield (currency, f"vintage#{month}#{bucket}"), (1, owed)
        yield (currency, f"merchant#{item.merchant_id}"), (1, owed)
    yield (currency, f"vintage#{month}#captured"), (1, plan.captured_minor)
    if plan.charged_off_minor:
        yield (currency, f"vintage#{month}#charged_off"), (1, plan.charged_off_minor)


def _of_line(image: RawItem) -> Iterator[tuple[Key, Amount]]:
    """What is held on it, its orders tell: so a line that an order is authorized on moves no sum."""
    currency, status = image["cu"]["S"], image["s"]["S"]
    yield (currency, f"line#{status}"), (1, int(image["lm"]["N"]))
    owed = int(image["os"]["N"])
    yield (currency, "line#outstanding"), (int(owed > 0), owed)
    if int(image["av"]["N"]) < 0:
        yield (currency, "line#overdrawn"), (1, -int(image["av"]["N"]))


def _of_authorization(item: AuthorizationItem) -> Iterator[tuple[Key, Amount]]:
    value = to_value(item)
    month = _month(value.created_at.date())
    yield (item.currency, f"order#{month}#{value.status}"), (1, item.amount)
    if value.status is Status.PARTIALLY_CAPTURED:
        yield (item.currency, "rest"), (1, value.remaining_minor)
    if value.suspension is not None:
        yield (item.currency, "suspended"), (1, value.remaining_minor)
    if value.status in _TAKEN and value.captured_minor:
        scenario = SENSITIVE if SCENARIOS[item.category].sensitive else item.category
        yield (item.currency, f"scenario#{month}#{scenario}"), (1, value.captured_minor)


def _once(record: StreamRecord) -> Iterator[tuple[Key, Amount]]:
    """What happens at a change and is not undone by the next."""
    if record.sk != keys.SELF or not record.pk.startswith("plan_") or record.old is None or record.new is None:
        return
    new_item = from_image(record.new)
    old, new = from_image(record.old).plan(), new_item.plan()
    yield from _moved(old, new, new_item)
    month = _month(new.start_on)
    before, after = first_installment(old, new_item.zone), first_installment(new, new_item.zone)
    if before is First.WAITING and after in {First.PAID, First.MISSED}:
        yield (new_item.currency, f"first#{month}#{after}"), (1, new.captured_minor)
    lost = new.charged_off_minor - old.charged_off_minor
    if lost:
        # a charge-off, or (negative) what was recovered of one
        age = _months_between(new.start_on, as_of(new, new_item.zone))
        yield (new_item.currency, f"loss#{month}#{age:03d}"), (int(lost > 0), lost)


def _moved(old: Plan, new: Plan, item: PlanItem) -> Iterator[tuple[Key, Amount]]:
    """A plan that left its bucket for another, with what it owed then."""
    today = as_of(new, item.zone)
    before = str(delinquency(old, as_of(old, item.zone)))
    after = str(delinquency(new, today)) if new.state is PlanState.ACTIVE else str(new.state)
    if old.state is PlanState.ACTIVE and before != after:
        yield (item.currency, f"roll#{_month(today)}#{before}>{after}"), (1, old.outstanding_minor)


def _month(day: date) -> str:
    return f"{day:%Y-%m}"


def _months_between(start: date, end: date) -> int:
    return (end.year - start.year) * 12 + end.month - start.month


def merchant_of(name: str) -> str | None:
    """The merchant that a sum is of, if it is one's."""
    kind, _, rest = name.partition("#")
    return rest if kind == "merchant" else None

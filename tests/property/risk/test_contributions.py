"""The portfolio's sums are what all items add now, in whatever order their changes arrive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from functions.core.clock import epoch_ms
from functions.core.errors import WhitenoteError
from functions.core.ids import id_text
from functions.lending import life
from functions.lending.cash import Source
from functions.lending.plan import Plan, PlanState, delinquency
from functions.payments import authorization as rules
from functions.payments.authorization import FINAL, Authorization, Status
from functions.payments.store import AuthorizationItem, apply
from functions.platform.bus.stream import StreamRecord
from functions.risk.portfolio.contributions import deltas
from functions.risk.portfolio.measures import WHOLLY_HELD, held
from functions.risk.portfolio.sums import Sums
from functions.risk.watch.facts import as_of
from tests.builders.images import at_hour, plan_record
from tests.builders.plans import a_plan


def a_life(seed: int, number: int) -> list[Plan]:
    """States of one plan, oldest first."""
    random = Random(seed)
    plans = [a_plan(random.randrange(3_000, 90_000), random.choice((1, 3, 6)), number=number)]
    now = datetime(2026, 1, 10, 3, tzinfo=UTC)
    for _ in range(random.randrange(1, 8)):
        now += timedelta(days=random.randrange(1, 50))
        plan = plans[-1]
        step = random.choice(("pay", "refund", "sweep", "sweep", "off"))
        try:
            if step == "pay":
                plan = life.repay(plan, random.randrange(1, 20_000), on=now.date(), source=Source.RAIL)[0]
            elif step == "refund":
                plan = life.refund(plan, random.randrange(1, 9_000), on=now.date())[0]
            elif step == "off":
                plan = life.charge_off(plan, on=now.date())[0]
            plans.append(at_hour(plan, now))
        except WhitenoteError:
            continue
    return plans


def summed(records: list[StreamRecord]) -> Sums:
    total: Counter[tuple[str, int]] = Counter()
    for record in records:
        for (_, name), (count, amount) in deltas(record).items():
            total[name, 0] += count
            total[name, 1] += amount
    names = {name for name, _ in total}
    return Sums.of(datetime(2026, 6, 1, tzinfo=UTC).date(), [(n, (total[n, 0], total[n, 1])) for n in names])


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_sums_are_what_the_plans_add_now_in_any_order(seeds: list[int], random: Random) -> None:
    lives = [a_life(seed, number) for number, seed in enumerate(seeds, 1)]
    records = [plan_record(old, new) for states in lives for old, new in zip([None, *states], states, strict=False)]
    in_order = summed(records)
    random.shuffle(records)
    assert summed(records) == in_order
    living = [states[-1] for states in lives if states[-1].state is PlanState.ACTIVE]
    assert in_order.exposure_minor == sum(plan.outstanding_minor for plan in living)
    assert sum(in_order.merchants.values()) == in_order.exposure_minor
    for bucket in ("current", "M1", "M2", "M3", "M4+"):
        here = [plan for plan in living if delinquency(plan, as_of(plan, "UTC")) == bucket]
        assert in_order.get("bucket", bucket) == (len(here), sum(plan.outstanding_minor for plan in here))
    captured = sum(states[-1].captured_minor for states in lives)
    assert in_order.get("vintage", "2026-01", "captured") == (len(lives), captured)
    lost = sum(states[-1].charged_off_minor for states in lives)
    assert sum(total for _, total in in_order.under("loss", "2026-01").values()) == lost


START = datetime(2026, 11, 22, 8, tzinfo=UTC)


def an_order_life(seed: int, number: int) -> list[Authorization]:
    """States of one order, oldest first."""
    random = Random(seed)
    born = random.choice((Status.APPROVED, Status.HELD, Status.AWAITING_CONFIRMATION, Status.DECLINED))
    made = START + timedelta(days=random.randrange(90))
    auth = Authorization(
        id=f"auth_{number}", status=born, version=1, amount_minor=random.randrange(1_000, 90_000), captured_minor=0,
        released_minor=0, captures=0, created_at=made, expires_at=made + timedelta(days=7),
    )  # fmt: skip
    states = [auth]
    for _ in range(random.randrange(0, 7)):
        auth, now = states[-1], made + timedelta(days=random.randrange(9))
        part = random.randrange(1, auth.remaining_minor + 2)
        final = random.random() < 0.3
        step: Callable[[], Authorization] = random.choice(
            (
                lambda auth=auth, part=part, now=now, final=final: (
                    rules.capture(auth, part, final=final, now=now).authorization
                ),
                lambda auth=auth: rules.void(auth, reason="merchant").authorization,
                lambda auth=auth, now=now: rules.expire(auth, now).authorization,
                lambda auth=auth, now=now: rules.extend(auth, timedelta(days=7), timedelta(days=30), now),
                lambda auth=auth, now=now: rules.suspend(auth, id_text("case", bytes(16)), now, now),
                lambda auth=auth, now=now: rules.resume(auth, now),
                lambda auth=auth: rules.decline_held(auth, "risk").authorization,
            )
        )
        try:
            states.append(step())
        except WhitenoteError:
            continue
    return states


def order_record(old: Authorization | None, new: Authorization, number: int) -> StreamRecord:
    def image(value: Authorization) -> dict[str, Any]:
        item = AuthorizationItem(
            pk=id_text("auth", number.to_bytes(16, "big")), merchant=bytes(16), customer=bytes(16), alias=number,
            reference="r", attempt=1, amount=value.amount_minor, currency="CNY", product="p", product_version=1,
            grade="C", category="electronics", channel="online", created_at_ms=epoch_ms(value.created_at),
            key=b"k" * 8, body=b"b" * 8, content=b"c" * 8,
        )  # fmt: skip
        apply(item, value)
        made: dict[str, Any] = item.serialize()
        return made

    event_id = f"{number}.{new.version}"
    return StreamRecord(event_id, event_id, image(new), image(old) if old else None, expired=False, body={})


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_what_lines_hold_is_what_their_orders_hold_in_any_order(seeds: list[int], random: Random) -> None:
    lives = [an_order_life(seed, number) for number, seed in enumerate(seeds, 1)]
    records = [
        order_record(old, new, number)
        for number, states in enumerate(lives, 1)
        for old, new in zip([None, *states], states, strict=False)
    ]
    random.shuffle(records)
    assert held(summed(records)) == sum(states[-1].remaining_minor for states in lives)


def test_every_state_that_holds_something_is_counted_as_holding() -> None:
    assert set(Status) - FINAL - {Status.PARTIALLY_CAPTURED} == WHOLLY_HELD

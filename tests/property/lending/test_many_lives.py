"""Random lives of random plans: whatever happens, in whatever order, the figures hold after every operation."""

from random import Random

import pytest

from functions.ledger.accounts import Account
from functions.lending.cash import capture_effect
from functions.lending.line import CreditLine
from functions.lending.plan import Plan, PlanState
from functions.lending.plans.packing import MAX_PLAN_BYTES, fitted, pack_plan, unpack_plan
from tests.builders.plans import Life, Moment, Trial, random_plan, require_books

EVENTS = 60
_ALLOWED = {
    PlanState.ACTIVE: set(PlanState),
    PlanState.PAID_OFF: {PlanState.PAID_OFF, PlanState.REFUNDED, PlanState.ACTIVE},
    PlanState.REFUNDED: {PlanState.REFUNDED},
    PlanState.CHARGED_OFF: {PlanState.CHARGED_OFF},
}


def require_life(seed: int, *, pack_every: int) -> int:
    random = Random(seed)
    plan = random_plan(random)
    life = Life(plan, random)
    trial = Trial(capture_effect(plan))
    line = CreditLine.opened(10**12).authorize(plan.captured_minor).after(capture_effect(plan).line)
    done = 0
    for moment in life.steps(EVENTS):
        trial.post(moment.effect)
        line = line.after(moment.effect.line)
        done += 1
        require_moment(moment, trial, life.credit)
        assert (line.outstanding_minor, line.held_minor) == (
            moment.plan.outstanding_minor,
            sum(release.amount_minor for release in moment.plan.releases),
        )
        assert 10**12 - line.limit_minor == moment.plan.written_off_minor
        if done % pack_every == 0:
            require_bytes(moment.plan)
            life.plan = unpack_plan(pack_plan(moment.plan))  # goes on as stored
    require_bytes(life.plan)
    return done


def require_moment(moment: Moment, trial: Trial, credit: int) -> None:
    plan, before = moment.plan, moment.before
    plan.require_sound()
    require_books(plan, trial, credit)
    assert plan.state in _ALLOWED[before.state]
    if (before.state, plan.state) == (PlanState.PAID_OFF, PlanState.ACTIVE):
        assert moment.name in {"reverse", "backdated"}
    assert (plan.revision > before.revision) != (moment.effect.repeated or moment.name in {"release", "fulfil"})
    assert trial.of(Account.REPAYMENT_IN_TRANSIT) >= 0
    assert 0 <= plan.refunded_minor <= plan.captured_minor
    cash = trial.of(Account.CASH_AT_RAIL)
    assert cash >= 0, "more was taken back than ever came"


def require_bytes(plan: Plan) -> None:
    data = pack_plan(plan)
    assert unpack_plan(data) == fitted(plan)
    assert pack_plan(unpack_plan(data)) == data
    if len(plan.rows) <= 24:
        assert len(data) <= MAX_PLAN_BYTES


def test_every_figure_holds_through_random_lives():
    assert sum(require_life(seed, pack_every=7) for seed in range(16)) > 400


@pytest.mark.slow
@pytest.mark.parametrize("part", range(20))
def test_every_figure_holds_through_ten_thousand_lives(part):
    for seed in range(1_000 + part * 500, 1_000 + part * 500 + 500):
        require_life(seed, pack_every=11)

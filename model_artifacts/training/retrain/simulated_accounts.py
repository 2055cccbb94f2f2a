"""Made-up accounts for a dry run of retraining the behavior model: they spend and repay, and some stop paying.

Not a claim about anybody. An account goes bad with what the released model thinks of it, in times worse than the
policy's offset assumes, and more where its use of the limit has been growing, which weighs more here than the released
model knows; everything else is the real code.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from random import Random

from functions.core.calendar import add_months
from functions.credit.models.outcomes import LATE_MONTHS, Labelled, reviewed_cuts
from functions.credit.policies.policy import load_policy
from functions.credit.scoring import score_batch, sigmoid
from functions.credit.upkeep.review import row_of_cuts
from functions.credit.upkeep.store import KEPT_STATEMENTS, Cut

_ECONOMY = 0.8
"""Log-odds by which times are worse than the policy's offset assumes."""
_YOUNG_LATE = 0.02
"""How often an account is a month late before it is old enough to be scored."""
_FIRST_CUT = date(2026, 1, 1)


def simulated_accounts(accounts: int, seed: int = 1) -> Iterator[Labelled]:
    """Labelled cuts of made-up accounts; the same for the same seed.

    Args:
        accounts: How many.
        seed: Of everything random.
    """
    policy, random = load_policy(), Random(seed)  # noqa: S311  reproducible, not secret
    for number in range(accounts):
        yield from reviewed_cuts(_life(random), "CNY", policy, score_batch, f"account {number}")


def _life(random: Random) -> list[Cut]:
    """The cuts of one account, as long as a limit file remembers."""
    policy = load_policy()
    offset = policy.offset("default", "behavior")
    limit = random.choice([200_000, 480_000, 1_000_000, 2_400_000])
    thrift, appetite = random.betavariate(2, 2), random.uniform(0.02, 0.35)
    owed, late, cuts = 0, 0, list[Cut]()
    for month in range(KEPT_STATEMENTS):
        paid = 0 if late or not owed else min(owed, round(owed * (0.1 + 0.9 * thrift * random.random())))
        room = max(0, limit - owed + paid)
        spent = 0 if late else round(min(room, limit * appetite * random.uniform(0, 2)))
        owed += spent - paid
        cuts.append(Cut(add_months(_FIRST_CUT, month), owed, paid, min(owed, owed // 3 + 1), late, limit))
        late = _next_late(cuts, late, offset, random)
    return cuts


def _next_late(cuts: list[Cut], late: int, offset: float, random: Random) -> int:
    """Months late at the next cut."""
    row = row_of_cuts(cuts, "CNY", 0, load_policy())
    if row is None:
        return int(random.random() < _YOUNG_LATE)
    logit = score_batch("behavior", (row,))[0].logit
    growing = (cuts[-1].bill_minor - cuts[-3].bill_minor) / cuts[-1].limit_minor
    if random.random() < sigmoid(logit + offset + _ECONOMY + 1.5 * growing):
        return max(LATE_MONTHS, late + 1)
    return int(random.random() < _YOUNG_LATE) if late < LATE_MONTHS else random.choice([0, late + 1])

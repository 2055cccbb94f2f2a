"""A capture long after its approval: the line's status and the rules are asked again, as they would be of a new order.

Only some scenarios ask (`Scenario.recheck_after`): half a year of courses is not carried by the first day's opinion.
What the line holds for the order stays held; an answer that is not a plain yes refuses this capture and nothing else.
"""

from __future__ import annotations

from datetime import datetime

from functions.checkout.authorize_service import history_of
from functions.checkout.decision import NOT_AVAILABLE, Order, decide
from functions.core.errors import ConflictError
from functions.credit.lines.store import LineItem
from functions.lending.products.service import find_product
from functions.merchants.service import get_merchant
from functions.payments.parties import Parties
from functions.payments.store import AuthorizationItem, to_value
from functions.platform.container import container
from functions.platform.storage import keys
from functions.risk.counting.observing import terminal_of
from functions.risk.counting.store import TerminalItem
from functions.risk.rule_life.live import live
from functions.risk.ruling.outcomes import Outcome
from functions.risk.store import ProfileItem


class CaptureNotAvailableError(ConflictError):
    code, title = NOT_AVAILABLE, "The order can't be captured now"


def require_still_good(item: AuthorizationItem, amount_minor: int, now: datetime) -> None:
    """Refuse a late capture that would not be approved as a new order; why is not told.

    Args:
        item: The authorization; its amount is held.
        amount_minor: To be captured.
        now: Business instant.

    Raises:
        CaptureNotAvailableError: The line is not active, or the rules say anything but yes.
    """
    box = container()
    parties, merchant = Parties.unpack(item.parties), get_merchant(item.merchant_id)
    alias, terminal = item.alias or 0, terminal_of(item.merchant_id, parties)
    line, profile, seen = box.tables.batch_get(
        [
            (LineItem, keys.line(alias), keys.SELF),
            (ProfileItem, keys.profile(alias), keys.SELF),
            (TerminalItem, keys.terminal(terminal), keys.SELF),
        ],
        consistent=True,
    )
    if line is not None:
        line.available += amount_minor  # what the line holds for this order is there for it
    order = Order(
        amount_minor=amount_minor,
        currency=item.currency,
        category=item.category,
        channel=item.channel,
        term_count=find_product(item.product, item.product_version).terms.term_count,
        merchant_id=item.merchant_id,
        zone=merchant.zone,
        parties=parties,
    )
    history = history_of(profile, seen, terminal, item.currency)
    verdict = decide(order, line, history, rules=live(), now=now, wall=box.clock.wall())
    if verdict.outcome is not Outcome.APPROVE:
        raise CaptureNotAvailableError(current_status=str(to_value(item).status))

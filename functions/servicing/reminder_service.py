"""Use cases of reminders: decide at send time, choose how to be reminded, bring back what had to wait."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from functions.core.clock import isoformat
from functions.core.errors import FieldError, InvalidError, NotFoundError
from functions.customers.service import Contact, contact_in, contact_key, contact_of
from functions.lending.plan import Plan
from functions.lending.plans.balance_store import balance_of
from functions.lending.plans.service import open_plan_ids, read_plans
from functions.lending.plans.store import PlanItem
from functions.merchants.service import get_merchant
from functions.messaging.aws import reachable
from functions.messaging.message import EMAIL, Route, Subject, Suppress, Verdict
from functions.payments.scenario import SCENARIOS
from functions.payments.store import AuthorizationItem
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.transactions import commit
from functions.servicing import reminders
from functions.servicing.reminders import Preference, Reader, Step
from functions.servicing.store import REMINDERS, ReminderPreferenceItem, plan_preference


class NoAddressError(InvalidError):
    code, title = "no_address", "There is no address for this channel"


def resolve(subject: Subject) -> Verdict:
    """Whether a reminder goes out now, and what it says; asked for before every attempt to send it.

    Args:
        subject: A message of the topic "reminder".

    Raises:
        UnavailableError: Storage or key service did not answer.
    """
    box, step = container(), Step.parse(subject.step)
    # the sandbox's clock, as this process sees it, may lag a second behind whoever asked
    now = max(box.clock.now(), subject.asked_at)
    item, chosen, customer = box.tables.batch_get(
        [
            (PlanItem, subject.about, keys.SELF),
            (ReminderPreferenceItem, subject.customer_id, REMINDERS),
            contact_key(subject.customer_id),
        ],
        consistent=True,
    )
    preference = _preference(chosen)
    if item is None:
        return Suppress("plan_gone")
    plan = item.plan()
    unwanted = reminders.judge(plan, item.segment, subject.number, step, zone=item.zone, now=now, preference=preference)
    if unwanted:
        return unwanted
    try:
        contact = contact_in(customer) if customer else None
    except NotFoundError:
        contact = None
    if contact is None:
        return Suppress("customer_gone")
    covered = _covered_minor(item, plan, subject.number) if step.days < 0 else 0  # from its day on it has paid
    if covered and covered == plan.rows[subject.number - 1].unpaid_minor:
        return Suppress("already_paid")
    return reminders.compose(
        plan,
        subject.number,
        zone=item.zone,
        now=now,
        preference=preference,
        reader=Reader(contact.language, contact.zone, routes_to(subject.customer_id, contact, preference)),
        merchant=shown_merchant(item),
        url=f"{box.settings.public_url}/me",
        covered=covered,
    )


def _covered_minor(item: PlanItem, plan: Plan, number: int) -> int:
    """What a customer who paid ahead has paid of an installment that is not due yet."""
    balance = balance_of(item.customer_id, item.currency)
    if balance <= 0:
        return 0
    others = [each for each in open_plan_ids(item.customer_id, item.currency) if each != plan.id]
    plans = [each.plan() for each in read_plans(others, consistent=True)]
    return reminders.covered_minor([plan, *plans], plan.id, number, balance)


def routes_to(customer_id: str, contact: Contact, preference: Preference) -> tuple[Route, ...]:
    """Every way that still reaches a customer: no mail address that mail came back from or was complained of."""
    return reachable(container(), reminders.routes_of(customer_id, contact.phone, contact.email, preference.channel))


def shown_merchant(item: PlanItem) -> str:
    """From whom a plan's purchase was, where others may read it; "" where that would tell too much."""
    category = item.category
    if not category:
        order = container().tables.get(AuthorizationItem, item.authorization_id)
        category = order.category if order else ""
    if not category or SCENARIOS[category].sensitive:
        return ""
    try:
        return get_merchant(item.merchant_id).name
    except NotFoundError:
        return ""


def wake(due: Sequence[tuple[str, str]], now: datetime) -> int:
    """Have messages sent that had to wait; delivery takes them out of the index.

    Args:
        due: Keys of messages in the action index.
        now: Instant of the sweep; a messenger whose view of the sandbox's clock is older looks again.

    Returns:
        How many.
    """
    box = container()
    at = isoformat(now)
    box.queue(box.settings.messages_queue_url).send([{"kind": "message", "id": pk, "at": at} for pk, _ in due])
    return len(due)


def preference_of(customer_id: str) -> Preference:
    """How a customer wants to be reminded; e-mail unless they said otherwise."""
    return _preference(container().tables.get(ReminderPreferenceItem, customer_id, REMINDERS, consistent=True))


def _preference(item: ReminderPreferenceItem | None) -> Preference:
    return Preference(item.channel, enabled=item.enabled) if item else Preference()


def prefer(customer_id: str, chosen: Preference) -> Preference:
    """Remember how a customer wants to be reminded.

    Raises:
        NoAddressError: By e-mail, and we know no address of theirs.
        NotFoundError: No such customer.
    """
    box = container()
    if chosen.channel == EMAIL and not contact_of(customer_id).email:
        raise NoAddressError(
            "add an e-mail address first", errors=(FieldError("/channel", "no_address", "no e-mail address is known"),)
        )
    commit(box.tables, plan_preference(customer_id, chosen.channel, box.clock.now(), enabled=chosen.enabled))
    return chosen

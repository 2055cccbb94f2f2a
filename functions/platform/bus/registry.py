"""Every event type: who may hear of it, and who renders its payload. A test enumerates them.

Renderers are named by dotted path, so that this layer imports no slice; they are loaded when first needed.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from functions.platform.bus.publisher import Renderer

MERCHANT, CUSTOMER, STAFF = "merchant", "customer", "staff"


@dataclass(frozen=True, slots=True)
class EventType:
    """One row.

    Args:
        audience: Besides staff, who hear of everything.
        renderer: "module:function".
    """

    audience: str
    renderer: str


_PAYMENTS = "functions.payments.events:render"
_REFUNDS = "functions.payments.events:render_refund"
_DISPUTES = "functions.payments.disputes.events:render"
_PLANS = "functions.lending.events:render"
_PRODUCTS = "functions.lending.events:render_product"
_CREDIT = "functions.credit.events:render"
_DECISIONS = "functions.credit.events:render_decision"
_MODELS = "functions.credit.events:render_model"
_CUSTOMERS = "functions.customers.events:render"
_PASSKEYS = "functions.customers.passkeys.events:render"
_MERCHANTS = "functions.merchants.events:render"
_RISK = "functions.risk.events:render"
_BLOCKS = "functions.settlement.blocks:render"
_PORTFOLIO = "functions.risk.portfolio.service:render"
_RISK_RULES = "functions.risk.rule_life.service:render"
_RISK_LISTS = "functions.risk.named_lists.service:render"
_CHECKOUT = "functions.checkout.events:render"
_CODES = "functions.checkout.codes.events:render"
_SERVICING = "functions.servicing.events:render"
_AUTOPAY = "functions.servicing.autopay.events:render"
_CREDIT_PAYOUTS = "functions.servicing.payouts.events:render"
_ADJUSTMENTS = "functions.servicing.adjustments.events:render"
_COMPLAINTS = "functions.servicing.complaints.events:render"
_COLLECTIONS = "functions.servicing.collections.events:render"
_STATEMENTS = "functions.servicing.statements.events:render"
_WEBHOOKS = "functions.webhooks.events:render"
_REPAYMENTS = "functions.servicing.events:render_repayment"

EVENT_TYPES: Mapping[str, EventType] = {
    "authorization.approved": EventType(MERCHANT, _PAYMENTS),
    "authorization.held": EventType(MERCHANT, _PAYMENTS),
    "authorization.declined": EventType(MERCHANT, _PAYMENTS),
    "authorization.suspended": EventType(MERCHANT, _PAYMENTS),
    "authorization.resumed": EventType(MERCHANT, _PAYMENTS),
    "authorization.extended": EventType(MERCHANT, _PAYMENTS),
    "authorization.voided": EventType(MERCHANT, _PAYMENTS),
    "authorization.expiring": EventType(MERCHANT, _PAYMENTS),
    "authorization.expired": EventType(MERCHANT, _PAYMENTS),
    "authorization.awaiting_confirmation": EventType(MERCHANT, _PAYMENTS),
    "in_store.due": EventType(STAFF, _PAYMENTS),
    "capture.created": EventType(MERCHANT, _PLANS),
    "capture.fulfilled": EventType(MERCHANT, _PLANS),
    "plan.created": EventType(MERCHANT, _PLANS),
    "plan.charged_off": EventType(CUSTOMER, _PLANS),
    "plan.deferred": EventType(CUSTOMER, _PLANS),
    "plan.paid_off": EventType(CUSTOMER, _PLANS),
    "plan.replanned": EventType(CUSTOMER, _PLANS),
    "plan.refunded": EventType(CUSTOMER, _PLANS),
    "plan.reopened": EventType(CUSTOMER, _PLANS),
    "plan.withdrawn": EventType(CUSTOMER, _PLANS),
    "installment.due": EventType(CUSTOMER, _PLANS),
    "installment.overdue": EventType(CUSTOMER, _PLANS),
    "installment.paid": EventType(CUSTOMER, _PLANS),
    "plan.delinquent": EventType(CUSTOMER, _PLANS),
    "refund.created": EventType(MERCHANT, _REFUNDS),
    "dispute.opened": EventType(MERCHANT, _DISPUTES),
    "dispute.closed": EventType(MERCHANT, _DISPUTES),
    "repayment.received": EventType(CUSTOMER, _REPAYMENTS),
    "repayment.failed": EventType(CUSTOMER, _REPAYMENTS),
    "repayment.reversed": EventType(CUSTOMER, _REPAYMENTS),
    "product.proposed": EventType(STAFF, _PRODUCTS),
    "product.approved": EventType(STAFF, _PRODUCTS),
    "checkout.created": EventType(MERCHANT, _CHECKOUT),
    "checkout.confirmed": EventType(MERCHANT, _CHECKOUT),
    "checkout.cancelled": EventType(MERCHANT, _CHECKOUT),
    "checkout.expired": EventType(MERCHANT, _CHECKOUT),
    "device.enrolled": EventType(CUSTOMER, _CODES),
    "device.removed": EventType(CUSTOMER, _CODES),
    "payment_code.alias_renewed": EventType(CUSTOMER, _CODES),
    "fraud.alert": EventType(MERCHANT, _RISK),
    "risk_rule.drafted": EventType(STAFF, _RISK_RULES),
    "risk_rule.changed": EventType(STAFF, _RISK_RULES),
    "risk_list.changed": EventType(STAFF, _RISK_LISTS),
    "case.opened": EventType(STAFF, _RISK),
    "case.escalated": EventType(STAFF, _RISK),
    "review.decided": EventType(MERCHANT, _RISK),
    "review_notice.requested": EventType(STAFF, _RISK),
    "review_notice.sent": EventType(STAFF, _RISK),
    "review_notice.failed": EventType(STAFF, _RISK),
    "payout.blocked": EventType(STAFF, _BLOCKS),
    "payout.released": EventType(STAFF, _BLOCKS),
    "portfolio.alarmed": EventType(STAFF, _PORTFOLIO),
    "customer.created": EventType(STAFF, _CUSTOMERS),
    "customer.identity_decided": EventType(STAFF, _CUSTOMERS),
    "customer.consents_changed": EventType(STAFF, _CUSTOMERS),
    "customer.erased": EventType(STAFF, _CUSTOMERS),
    "passkey.added": EventType(CUSTOMER, _PASSKEYS),
    "passkey.removed": EventType(CUSTOMER, _PASSKEYS),
    "merchant.created": EventType(STAFF, _MERCHANTS),
    "merchant.changed": EventType(STAFF, _MERCHANTS),
    "merchant.status_changed": EventType(STAFF, _MERCHANTS),
    "merchant.kyb_checked": EventType(STAFF, _MERCHANTS),
    "merchant.payout_account_proposed": EventType(STAFF, _MERCHANTS),
    "merchant.payout_account_changing": EventType(STAFF, _MERCHANTS),
    "merchant.payout_account_kept": EventType(STAFF, _MERCHANTS),
    "api_key.created": EventType(STAFF, _MERCHANTS),
    "api_key.rotated": EventType(STAFF, _MERCHANTS),
    "api_key.revoked": EventType(STAFF, _MERCHANTS),
    "credit_application.appealed": EventType(STAFF, _CREDIT),
    "credit_application.decided": EventType(STAFF, _CREDIT),
    "credit_application.reconsidered": EventType(STAFF, _CREDIT),
    "decision.escalated": EventType(STAFF, _DECISIONS),
    "model.challenged": EventType(STAFF, _MODELS),
    "model.withdrawn": EventType(STAFF, _MODELS),
    "model.proposed": EventType(STAFF, _MODELS),
    "model.promoted": EventType(STAFF, _MODELS),
    "model.rolled_back": EventType(STAFF, _MODELS),
    "model.drifted": EventType(STAFF, _MODELS),
    "credit_line.opened": EventType(CUSTOMER, _CREDIT),
    "credit_line.changed": EventType(CUSTOMER, _CREDIT),
    "credit_line.frozen": EventType(CUSTOMER, _CREDIT),
    "credit_line.lifted": EventType(CUSTOMER, _CREDIT),
    "webhook_endpoint.created": EventType(STAFF, _WEBHOOKS),
    "webhook_endpoint.changed": EventType(STAFF, _WEBHOOKS),
    "webhook_endpoint.rotated": EventType(STAFF, _WEBHOOKS),
    "webhook_endpoint.deleted": EventType(STAFF, _WEBHOOKS),
    "webhook_endpoint.disabled": EventType(MERCHANT, _WEBHOOKS),
    "webhook_endpoint.tested": EventType(MERCHANT, _WEBHOOKS),
    "clock.ticked": EventType(STAFF, _SERVICING),
    "autopay.failed": EventType(CUSTOMER, _AUTOPAY),
    "credit_payout.pending": EventType(CUSTOMER, _CREDIT_PAYOUTS),
    "credit_payout.paid": EventType(CUSTOMER, _CREDIT_PAYOUTS),
    "credit_payout.failed": EventType(CUSTOMER, _CREDIT_PAYOUTS),
    "credit_payout.returned": EventType(CUSTOMER, _CREDIT_PAYOUTS),
    "adjustment.proposed": EventType(STAFF, _ADJUSTMENTS),
    "adjustment.applied": EventType(STAFF, _ADJUSTMENTS),
    "adjustment.refused": EventType(STAFF, _ADJUSTMENTS),
    "complaint.opened": EventType(STAFF, _COMPLAINTS),
    "complaint.answered": EventType(STAFF, _COMPLAINTS),
    "collection.contacted": EventType(STAFF, _COLLECTIONS),
    "collection.promised": EventType(STAFF, _COLLECTIONS),
    "collection.promise_kept": EventType(STAFF, _COLLECTIONS),
    "collection.promise_broken": EventType(STAFF, _COLLECTIONS),
    "statement.issued": EventType(CUSTOMER, _STATEMENTS),
    "reminder.requested": EventType(STAFF, _SERVICING),
    "reminder.sent": EventType(CUSTOMER, _SERVICING),
    "reminder.failed": EventType(CUSTOMER, _SERVICING),
}

PROJECTIONS: Mapping[str, str] = {
    "authorization": "functions.payments.events:project",
    "checkout": "functions.checkout.events:project",
    "in_store": "functions.checkout.instore.events:project",
    "checkout.confirmed": "functions.checkout.hosted.settling:on_confirmed",
    "plan": "functions.lending.events:project",
    "dispute": "functions.payments.disputes.events:project",
    "credit_application": "functions.credit.events:project",
    "dispute.closed": "functions.risk.events:learn_of_dispute",
    "credit_line": "functions.risk.events:open_profile",
    "plan.created": "functions.servicing.statements.events:on_plan",
    "plan.reopened": "functions.servicing.events:on_reopened",
    "plan.delinquent": "functions.servicing.collections.events:on_plan",
    "plan.charged_off": "functions.servicing.collections.events:on_plan",
    "plan.paid_off": "functions.servicing.collections.events:on_plan",
    "plan.replanned": "functions.servicing.collections.events:on_plan",
    "installment.paid": "functions.servicing.collections.events:on_plan",
    "plan.withdrawn": "functions.servicing.payouts.events:on_credit",
    "refund.created": "functions.servicing.payouts.events:on_credit",
    "repayment.received": "functions.servicing.payouts.events:on_credit",
}
"""Object, or one event type of it → who keeps lists of it or begins something, fed by the bus."""


REPEATABLE: frozenset[str] = frozenset(
    {"functions.payments.events:project", "functions.checkout.events:project", "functions.lending.events:project"}
)
"""Projections that come out the same when an event is taken again or late: rows and timers over its sequence."""


STREAM_NOTES: tuple[str, ...] = ("functions.merchants.key_use:note",)
"""Who looks at the publisher's stream records for something worth a note, which may be lost."""

MESSAGES: Mapping[str, str] = {
    "confirmation_code": "functions.checkout.hosted.code_message:on_message",
}
"""Kind of message on the messages queue → who sends it, where that slice stands above the messenger's."""


def projections_of(event_type: str) -> tuple[str, ...]:
    """Who is told of an event, as "module:function": who looks after its object, then who waits for this type."""
    keys = (event_type.partition(".")[0], event_type)
    return tuple([PROJECTIONS[key] for key in keys if key in PROJECTIONS])


def is_repeatable(event_type: str) -> bool:
    """Whether all that is made of an event comes out the same when it is made again."""
    return REPEATABLE.issuperset(projections_of(event_type))


@dataclass
class Renderers(Mapping[str, Renderer]):
    """The renderers by event type, each module imported at its first event."""

    _loaded: dict[str, Renderer] = field(default_factory=dict)

    def __getitem__(self, event_type: str) -> Renderer:
        path = EVENT_TYPES[event_type].renderer
        found = self._loaded.get(path)
        if found is None:
            module, _, name = path.partition(":")
            found = self._loaded[path] = getattr(importlib.import_module(module), name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(EVENT_TYPES)

    def __len__(self) -> int:
        return len(EVENT_TYPES)

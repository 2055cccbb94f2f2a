"""Every entrance of Whitenote on one screen: HTTP by slice, then one line per trigger.

Read next: docs/architecture.md, then functions/lending.
"""

from __future__ import annotations

import importlib
from typing import Final

from chalice.app import Chalice, CloudWatchEvent, DynamoDBEvent, SQSEvent

from functions.platform.bus.triggers import Answer, run
from functions.platform.container import served_here

PAY, CREDIT, CONSOLE = "pay_api", "credit_api", "console_api"
BLUEPRINTS: Final[dict[str, set[str]]] = {
    "functions.platform.authorizer": {PAY, CREDIT, CONSOLE},  # who is asking
    "functions.customers.api": {CONSOLE},  # identity, sign-in, consents
    "functions.customers.passkeys.api": {CONSOLE},
    "functions.merchants.api": {CONSOLE},  # onboarding, API keys
    "functions.credit.api": {CREDIT},  # applications
    "functions.credit.desk.api": {CREDIT},  # decisions, appeals
    "functions.credit.upkeep.api": {CREDIT, CONSOLE},  # lines, limits
    "functions.credit.models.api": {CREDIT},
    "functions.lending.products.api": {CONSOLE},  # plan products
    "functions.ledger.api": {CONSOLE},  # entries, proofs, checkpoints
    "functions.checkout.api": {PAY, CONSOLE},  # quotes, checkouts, authorizations, merchant tokens
    "functions.checkout.hosted.api": {PAY},  # the customer's confirmation
    "functions.checkout.codes.api": {CONSOLE},  # payment codes and the phones that make them
    "functions.checkout.instore.api": {PAY, CONSOLE},  # the till
    "functions.payments.api": {PAY, CONSOLE},  # captures, refunds, fulfilments
    "functions.payments.disputes.api": {CONSOLE},
    "functions.risk.api": {CONSOLE},  # alerts, reviews
    "functions.risk.rule_life.api": {CREDIT, CONSOLE},  # rules, lists
    "functions.risk.portfolio.api": {CONSOLE},  # indicators
    "functions.platform.bus.api": {CONSOLE},  # dead letters
    "functions.servicing.api": {CONSOLE},  # plans, repayments, clock
    "functions.servicing.statements.api": {CONSOLE},
    "functions.servicing.autopay.api": {CONSOLE},
    "functions.servicing.payouts.api": {CONSOLE},
    "functions.servicing.receipts.api": {CONSOLE},
    "functions.servicing.adjustments.api": {CONSOLE},
    "functions.servicing.complaints.api": {CONSOLE},
    "functions.servicing.collections.api": {CONSOLE},
    "functions.privacy.api": {CONSOLE},  # export, erasure
    "functions.webhooks.api": {CONSOLE},  # endpoints, events
    "functions.pages.reference.api": {CONSOLE},  # the OpenAPI document, and the same to read
}
"""Where each slice's routes stand, and which API functions of infra/routes.py answer them."""

app = Chalice(app_name="whitenote")
if _here := served_here(BLUEPRINTS):  # a worker serves none, and so imports none
    app.register_middleware(importlib.import_module("functions.platform.web.http").http_edge, "http")
    for _each in _here:
        app.register_blueprint(importlib.import_module(_each).blueprint)


@app.on_dynamodb_record(stream_arn="whitenote", name="publisher", batch_size=40)
def publisher(event: DynamoDBEvent) -> Answer:
    """State changes become events on the bus."""
    return run("functions.platform.bus.workers:publish", event)


@app.on_dynamodb_record(stream_arn="whitenote", name="risk_checks", batch_size=40)
def risk_checks(event: DynamoDBEvent) -> Answer:
    """New authorizations are counted, checked, and suspended where a pattern shows."""
    return run("functions.risk.events:check", event)


@app.on_dynamodb_record(stream_arn="whitenote-ledger", name="ledger_sequencer", batch_size=40)
def ledger_sequencer(event: DynamoDBEvent) -> Answer:
    """Ledger entries enter the Merkle log."""
    return run("functions.ledger.events:sequence", event)


@app.on_sqs_message(queue="projections", name="projector", batch_size=10)
def projector(event: SQSEvent) -> Answer:
    """Events become lists and timers."""
    return run("functions.platform.bus.workers:project", event)


@app.on_sqs_message(queue="assessments", name="assessor", batch_size=10)
def assessor(event: SQSEvent) -> Answer:
    """What the credit models weigh after the fact: reviews of lines, shadow scores."""
    return run("functions.credit.models.events:assess", event)


@app.on_sqs_message(queue="messages", name="messenger", batch_size=10)
def messenger(event: SQSEvent) -> Answer:
    """Messages are claimed, sent and marked."""
    return run("functions.servicing.events:messages", event)


@app.on_sqs_message(queue="staff-alerts", name="pager", batch_size=10)
def pager(event: SQSEvent) -> Answer:
    """Fraud alerts and late cases reach the staff at once."""
    return run("functions.risk.events:page", event)


@app.on_sqs_message(queue="tills", name="till_worker", batch_size=10)
def till_worker(event: SQSEvent) -> Answer:
    """Sales at a till are captured after the reversal window, or declined when nobody says a word."""
    return run("functions.checkout.instore.events:waits", event)


@app.on_sqs_message(queue="webhooks", name="webhook_sender", batch_size=10)
def webhook_sender(event: SQSEvent) -> Answer:
    """Events are kept for their merchants and delivered to their endpoints."""
    return run("functions.webhooks.events:webhooks", event)


@app.on_sqs_message(queue="sweep", name="sweep_worker", batch_size=5)
def sweep_worker(event: SQSEvent) -> Answer:
    """Plans and authorizations get what they are owed this hour."""
    return run("functions.servicing.events:sweep_pages", event)


@app.on_sqs_message(queue="dead-letters", name="dead_letters", batch_size=10)
def dead_letters(event: SQSEvent) -> Answer:
    """What no one could handle is kept for a person."""
    return run("functions.platform.bus.workers:bury", event)


@app.schedule("rate(5 minutes)", name="sweep")
def sweep(event: CloudWatchEvent) -> Answer:
    """Find all that is owed something up to this hour."""
    return run("functions.servicing.events:sweep_schedule", event)


@app.schedule("rate(1 hour)", name="portfolio")
def portfolio_snapshot(event: CloudWatchEvent) -> Answer:
    """Keep the day's indicators of risk."""
    return run("functions.risk.portfolio.events:snapshot", event)


@app.schedule("rate(1 minute)", name="checkpoint")
def checkpoint(event: CloudWatchEvent) -> Answer:
    """Sign the head of the Merkle log if it has grown."""
    return run("functions.ledger.events:checkpoint", event)


@app.schedule("cron(0 5 ? * MON *)", name="drift")
def drift(event: CloudWatchEvent) -> Answer:
    """Judge whether last week's people still look like those the credit models learned from."""
    return run("functions.credit.models.events:weekly", event)

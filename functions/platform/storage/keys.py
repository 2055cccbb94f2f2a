"""Every partition and sort key of both tables, in one place. docs/data_model.md lists what they hold.

A public id is its own partition key, so a GET by id needs no index.
"""

from __future__ import annotations

SELF = "-"
"""Sort key of the item that a partition is named for."""


def line(alias: int) -> str:
    """The credit line's partition: its 9-digit alias, which the till code carries."""
    return f"line#{alias:09d}"


def identity(document_hash: str) -> str:
    """Claims an identity document: one person, one line."""
    return f"doc#{document_hash}"


def contact(phone_hash: str) -> str:
    """Finds a customer by phone without storing the phone."""
    return f"tel#{phone_hash}"


def sign_in(challenge_id: str) -> str:
    """A one-time code on its way."""
    return f"otp#{challenge_id}"


def api_key(key_hash: str) -> str:
    """An API key by its hash."""
    return f"key#{key_hash}"


def profile(alias: int) -> str:
    """The risk profile of a line: history that the stream keeps."""
    return f"risk#{alias:09d}"


def counter(subject: str, shard: int = 0) -> str:
    """What is counted about a device, address, instrument or merchant ("device#3f…"); a hot one has several shards."""
    return f"cnt#{subject}#{shard}"


def terminal(subject: int, shard: int = 0) -> str:
    """Orders and known frauds of a till, or of a merchant online, by the 64 bits that stand for it."""
    return f"term#{subject:016x}#{shard}"


RULES = "rules"
"""Every rule that staff have written or touched, and the head that says what decides."""

HEAD = "head"
"""Sort key of the head of the rules."""


def ruleset(name: str) -> str:
    """A rule set that has decided, by the first half of its hash."""
    return f"ruleset#{name}"


RISK_LISTS = "rlists"
"""Who stands on each named list; the list's name is the sort key."""


def risk_list(name: str) -> str:
    """The entries of a named list, each with its history."""
    return f"rlist#{name}"


def handled(consumer: str) -> str:
    """Begins the partition of a consumer's record of an event: powertools adds the hash of the event's id."""
    return f"handled#{consumer}"


def seen(consumer: str, event_id: str) -> str:
    """A consumer's note that it has counted a record."""
    return f"seen#{consumer}#{event_id}"


def listing(owner: str, kind: str) -> str:
    """A merchant's or the staff's list, newest last."""
    return f"list#{owner}#{kind}"


def started(command: str) -> str:
    """A command that has called an outside port and not finished yet."""
    return f"cmd#{command}"


def minted(command: str) -> str:
    """A command that has minted a customer token."""
    return f"tok#{command}"


PASSKEYS = "passkey#"
"""Sort key prefix under a customer: passkeys."""


def passkey(public_id: str) -> str:
    """Sort key of one of them."""
    return f"{PASSKEYS}{public_id}"


def challenge_used(challenge_hash: str) -> str:
    """A note that a passkey's challenge has been answered."""
    return f"pkc#{challenge_hash}"


CLOCK = "clock"
"""The sandbox's business-time offset."""


def action_hour(shard: int) -> str:
    """Index partition of plans and authorizations that are owed something."""
    return f"act#{shard}"


def wall_hour(shard: int) -> str:
    """Index partition of what is owed at an hour of wall time, which the sandbox's clock does not move."""
    return f"wall#{shard}"


def sandbox_sent(tag: str) -> str:
    """What the sandbox channel took under a tag; a second taking would be a second item."""
    return f"sent#{tag}"


SANDBOX_INBOX = "inbox"
"""Index partition of everything the sandbox channel took, by time."""


def mail_taken(tag: str) -> str:
    """SES has told us that it took the e-mail of this tag."""
    return f"mail#{tag}"


def mail_gone(address_hash: str) -> str:
    """An e-mail address that is written to no more, by its keyed hash."""
    return f"gone#{address_hash}"


def merchant_keys(merchant_id: str) -> str:
    """A merchant's key generation and status: the little that every call that moves money reads."""
    return f"mk#{merchant_id}"


def code_rate(phone_hash: str) -> str:
    """When one-time codes were last asked for to a phone."""
    return f"otr#{phone_hash}"


CONSENTS = "consent#"
"""Sort key prefix under a customer: every answer to a consent."""


def consent_change(version: int) -> str:
    """Sort key under a customer: the consents answered in one version of it."""
    return f"{CONSENTS}{version:08d}"


KEY_ENTRIES = "key#"
"""Sort key prefix under a merchant: its API keys, as it lists them."""


def key_entry(key_id: str) -> str:
    """Sort key of one of them."""
    return f"{KEY_ENTRIES}{key_id}"


ENDPOINTS = "hook#"
"""Sort key prefix under a merchant: its webhook endpoints."""


def endpoint(endpoint_id: str) -> str:
    """Sort key of one of them."""
    return f"{ENDPOINTS}{endpoint_id}"


BALANCES = "bal#"


def balance(currency: str) -> str:
    """Sort key under a customer: the credit balance in a currency."""
    return f"{BALANCES}{currency}"


PRODUCTS = "products"
"""Every version of a plan product that staff have proposed; the version's name is the sort key."""


def sandbox_rail(customer_id: str) -> str:
    """What the sandbox's payment rail remembers of a customer whose first try fails."""
    return f"rail#{customer_id}"


ORDER = "order"
"""Sort key under a checkout: what was ordered and where it goes."""

LINE_CHANGES = "change#"
"""Sort keys of a line's changes, under its limit file, begin so."""


def line_change(version: int) -> str:
    """Sort key of the change that made a version of the line."""
    return f"{LINE_CHANGES}{version:010d}"


MODELS = "models"
"""Champion and challenger; the sort key is the model."""


def shadow(version: str) -> str:
    """Cases that a challenger has scored in the shadow."""
    return f"shadow#{version}"


def drift(version: str) -> str:
    """A model's histograms by week, and what they came to."""
    return f"drift#{version}"


DRIFT_REPORTS = "report#"
"""Sort keys of weekly drift reports begin so."""

VINTAGES, OVERRIDES = "vintages", "overrides"
"""Counts by month: lines that went bad by age, decisions in which a person departed from the score."""

APPLICATION = "app#"
"""Sort keys of a customer's credit applications begin so."""

TIMER = "timer"
"""Sort key of when an authorization or a checkout is to be looked at."""

BLOCK = "block#"
"""Sort keys of the hands on a merchant's payouts begin so."""


def block(set_by: str) -> str:
    """Sort key of a payout block under its merchant: the case or dispute that set it."""
    return f"{BLOCK}{set_by}"


def links(kind: str, thing: int) -> str:
    """Who used a device, address or instrument, by the 64 bits that stand for it."""
    return f"link#{kind}#{thing:016x}"


def pattern(merchant_id: str) -> str:
    """A merchant's 30 days as the checks see them, beyond what is counted of everyone."""
    return f"pat#{merchant_id}"


def pivot(name: str) -> str:
    """What suspicions are about: its open case and its latest alerts."""
    return f"piv#{name}"


def aggregate(currency: str, shard: int) -> str:
    """Partition of the portfolio's sums in a currency; the sort key says of what."""
    return f"agg#{currency}#{shard}"


def snapshots(currency: str) -> str:
    """Partition of the portfolio's daily snapshots; the sort key is the day."""
    return f"snap#{currency}"


LABEL = "label"
"""Sort key of what an authorization turned out to be, as far as anyone found out."""

INSTRUMENTS = "ins#"
"""Sort keys under a customer: the bank accounts they pay from."""


def instrument(instrument_id: str) -> str:
    """Sort key of one of them."""
    return f"{INSTRUMENTS}{instrument_id}"


AUTOPAY = "autopay#"
"""Sort keys under a customer: the mandates, one a currency."""


def autopay(currency: str) -> str:
    """Sort key of one of them."""
    return f"{AUTOPAY}{currency}"


REMINDERS = "reminders"
"""Sort key of how a customer wants to be reminded."""

RANGE_BITS = 16
"""Pages of 65,536 leaves share a partition."""

ERASED = "erased"
"""Partition of the tombstones of erased people, in the append-only table; the sort key is whom."""

HOUSE = "house"
LEAF = "leaf"
PERIODS = "period"


def log_key(log: int = 0) -> str:
    """Partition of a log's head."""
    return f"log#{log}"


def pages_key(index: int, log: int = 0) -> str:
    """Partition of the pages around a leaf: 65,536 leaves each, so that no partition grows hot or large."""
    return f"log#{log}#{index >> RANGE_BITS}"


def checkpoints_key(log: int = 0) -> str:
    """Partition of a log's checkpoints."""
    return f"log#{log}#checkpoint"


def agreement(document_hash: str) -> str:
    """A document that was accepted, by its hash; the sort key is who accepted it."""
    return f"agr#{document_hash}"


def amendments(plan_id: str) -> str:
    """Partition of a plan's changed agreements; the sort key counts them."""
    return f"amend#{plan_id}"


DEVICES = "dev#"
"""Sort key prefix under a customer: phones that make payment codes."""


def device(device_id: str) -> str:
    """Sort key of one of them."""
    return f"{DEVICES}{device_id}"


def code_alias(currency: str) -> str:
    """Sort key under a customer: when the alias in a currency was renewed."""
    return f"codes#{currency}"


def guesses(pivot: str) -> str:
    """Wrong payment codes at a merchant, or under an alias in a month."""
    return f"wrong#{pivot}"


AWAITED = "ins#"
"""Sort key prefix under a customer: sales at a till that wait, or waited, for a word from the phone."""


def awaited(reference: str, authorization_id: str = "") -> str:
    """Sort key of one of them; without an id, the prefix of all under a reference."""
    return f"{AWAITED}{reference}#{authorization_id}"


def till_timer(authorization_id: str) -> str:
    """Partition of what looks after a sale at a till that nobody has looked after."""
    return f"till_{authorization_id.partition('_')[2]}"

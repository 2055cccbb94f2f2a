"""The largest legal line and authorization are 1,024 bytes or less: the price of an authorization rests on it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from functions.checkout.checkout_store import CheckoutItem
from functions.credit.lines.store import (
    _HASHES_PER_USE,
    DAY_MS,
    KEPT_DAYS,
    KEPT_QUARTERS,
    MAX_USES_PER_QUARTER,
    QUARTER_MS,
    USE_BYTES,
    LineItem,
    bucket_name,
)
from functions.payments.parties import Parties
from functions.payments.store import MAX_DECISION_BYTES, AuthorizationItem, plan_new
from functions.platform.storage.meter import item_bytes
from functions.platform.storage.outbox import Pending
from functions.risk.fraud.features import FEATURES
from functions.risk.record import Listed, Scored, most_bytes, pack, unpack
from functions.risk.ruling.default_rules import default_ruleset
from functions.risk.ruling.outcomes import Outcome

NOW = datetime(2026, 11, 22, 8, 0, 0, 123000, tzinfo=UTC)
MS = 1795334400123
LARGEST = 999_999_999_999
REQUEST = "0b7ea260-9991-4140-a15e-90db2ebaba47"
LIMIT = 1024
LISTED = Listed(trusted=False, blocked=True)


def largest_line() -> dict[str, object]:
    full = MAX_USES_PER_QUARTER * _HASHES_PER_USE
    line = LineItem(
        pk="line#999999999", version=999_999, customer=b"\xff" * 16, currency="CNY", status="frozen",
        limit=LARGEST, available=-LARGEST, held=LARGEST, outstanding=LARGEST, grade="E", terms="1,3,6,12,24",
        zone="America/Argentina/ComodRivadavia", language="zh", opened_at_ms=MS,
        frozen_reason="delinquency_frozen", frozen_by="stf_" + "x" * 26, frozen_until_ms=MS, application=b"\xff" * 16,
        quarter_0=1_994_815, quarter_1=1_994_816,
        used_0={i.to_bytes(USE_BYTES, "big") for i in range(full)},
        used_1={(1000 + i).to_bytes(USE_BYTES, "big") for i in range(full)},
        devices="a" * 9, alias_turn=999_999, last_counter=99_999_999, own_counter=99_999_999, confirm_until_ms=MS,
    )  # fmt: skip
    line.tell(NOW, REQUEST, Pending("credit_line.frozen", {"d": -LARGEST}))
    item = line.serialize()
    for kind in "kw":
        for i in range(KEPT_QUARTERS + 1):
            item[bucket_name(kind, MS // QUARTER_MS - i)] = {"N": "16" if kind == "k" else str(LARGEST)}
    for kind in "nm":
        for i in range(KEPT_DAYS + 1):
            item[bucket_name(kind, MS // DAY_MS - i)] = {"N": "999" if kind == "n" else str(LARGEST)}
    return item


def largest_authorization() -> AuthorizationItem:
    item = AuthorizationItem(
        pk="auth_" + "Z" * 26, version=99, merchant=b"\xff" * 16, customer=b"\xff" * 16, alias=999_999_999,
        reference="r" * 64, attempt=20, status="H", amount=LARGEST, currency="CNY", product="x" * 24,
        product_version=999, grade="E", bill_day=28, category="electronics", channel="in_store",
        zone="America/Argentina/ComodRivadavia", language="zh", created_at_ms=MS, expires_at_ms=MS,
        key=b"\xff" * 8, body=b"\xff" * 8, content=b"\xff" * 8, agreement=b"\xff" * 32,
        decision=b"\xff" * MAX_DECISION_BYTES, warned=1, terminal="t" * 32, due_at_ms=MS, sold_on=999_999,
        code=b"\xff" * 5,
        parties=Parties(*[2**64 - 1] * 4, device_flagged=True, cell=(1_800, 3_600)).pack(),
    )  # fmt: skip
    item.tell(NOW, REQUEST, Pending("authorization.awaiting_confirmation"), Pending("in_store.due"))
    return item


def largest_checkout() -> CheckoutItem:
    item = CheckoutItem(
        pk="chk_" + "Z" * 26, version=999, merchant=b"\xff" * 16, reference="r" * 64, status="confirmed",
        amount=LARGEST, currency="CNY", category="electronics", channel="in_store", created_at_ms=MS, expires_at_ms=MS,
        key=b"\xff" * 8, body=b"\xff" * 8, commands=b"\xff" * 128, customer=b"\xff" * 16, parties=b"\xff" * 37,
        programme="vocational", stepped_up=1, attempt=20, authorization=b"\xff" * 16, shown=b"\xff" * 96, tries=5,
        codes_sent=3, confirmed_at_ms=MS, passkey=b"\xff" * 16,
        passkey_count=2**32 - 1,
    )  # fmt: skip
    item.tell(NOW, REQUEST, Pending("checkout.confirmed"))
    return item


def test_the_largest_checkout_fits() -> None:
    """Without what was ordered: a confirmation writes this item beside the line and the authorization."""
    assert item_bytes(largest_checkout().serialize()) <= LIMIT


def test_the_largest_line_fits() -> None:
    assert item_bytes(largest_line()) <= LIMIT


def test_the_largest_new_authorization_fits() -> None:
    assert item_bytes(largest_authorization().serialize()) <= LIMIT


def test_an_overlong_decision_is_not_stored() -> None:
    item = largest_authorization()
    item.decision = b"\xff" * (MAX_DECISION_BYTES + 1)
    with pytest.raises(ValueError, match="450"):
        plan_new(item)


def test_the_fullest_decision_record_fits_and_reads_back() -> None:
    rules = default_ruleset(synchronous=True)
    signals = {name: _largest(name) for name in rules.signals}
    result = rules.evaluate(signals)
    scored = Scored(10_000, "fraud-0123456789ab", tuple(0.1 * (n + 1) for n in range(len(FEATURES))))
    raw = pack(
        Outcome.DECLINE, rules, result, {**signals, "fraud_score_bps": 10_000}, scored, listed=LISTED, bucket=9_999
    )
    assert len(raw) <= most_bytes(rules) <= MAX_DECISION_BYTES
    record = unpack(raw, rules)
    assert (record.scored, record.listed, record.bucket) == (scored, LISTED, 9_999)
    assert rules.evaluate(record.signals).bits == record.bits == result.bits
    assert record.outcome is Outcome.DECLINE


def _largest(name: str) -> object:
    from functions.risk.signal_table import LISTS, SYNC_SCHEMA

    kind = SYNC_SCHEMA.value_kind(name).name
    return {
        "INTEGER": 10_000_000, "MONEY": LARGEST, "DURATION": 10**9, "BOOLEAN": True, "STRING": "electronics",
        "STRINGS": tuple(LISTS),
    }[kind]  # fmt: skip

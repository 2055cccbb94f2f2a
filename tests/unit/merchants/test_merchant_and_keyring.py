"""What a merchant may do, where its status may go, and which of its keys are still good."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.errors import UnauthorizedError
from functions.core.ids import id_text
from functions.merchants.keyring import REMEMBERED, MerchantKeysItem, require_current
from functions.merchants.merchant import (
    TRANSITIONS,
    AmountOverLimitError,
    CategoryNotAllowedError,
    CurrencyNotAcceptedError,
    Merchant,
    MerchantNotLiveError,
    StatusChangeRefusedError,
    next_status,
)
from functions.platform.storage.meter import item_bytes
from functions.platform.web.context import Principal

STATUSES = ("pending", "live", "suspended", "closed")


def merchant(status="live"):
    return Merchant(
        id="mer_1",
        name="Lantern",
        country="CN",
        zone="Asia/Shanghai",
        max_amount_minor={"CNY": 5_000_000, "JPY": 300_000},
        categories=("electronics", "travel"),
        status=status,
        keys_version=1,
        cutoff="23:59",
        payout_mode="upfront",
        created_at=datetime(2026, 11, 22, tzinfo=UTC),
        version=1,
    )


def test_the_currencies_are_those_with_a_limit():
    assert merchant().currencies == ("CNY", "JPY")


@pytest.mark.parametrize("amount_minor", [0, 1, 5_000_000])
def test_an_order_within_its_terms_is_fine(amount_minor):
    merchant().require_sells("CNY", "travel", amount_minor)


@pytest.mark.parametrize(
    ("order", "error", "code", "pointer"),
    [
        (("USD", "travel", 1), CurrencyNotAcceptedError, "currency_not_accepted", "/currency"),
        (("CNY", "health", 1), CategoryNotAllowedError, "category_not_allowed", "/category"),
        (("CNY", "travel", 5_000_001), AmountOverLimitError, "amount_over_limit", "/amount_minor"),
        (("JPY", "travel", 300_001), AmountOverLimitError, "amount_over_limit", "/amount_minor"),
    ],
)
def test_an_order_outside_its_terms_is_refused_by_name(order, error, code, pointer):
    with pytest.raises(error) as raised:
        merchant().require_sells(*order)
    assert (raised.value.status, raised.value.code) == (422, code)
    assert raised.value.errors[0].pointer == pointer


def test_an_amount_over_the_limit_hears_by_how_much():
    with pytest.raises(AmountOverLimitError, match="7 over") as raised:
        merchant().require_sells("CNY", "travel", 5_000_007)
    assert raised.value.extra == {"limit_minor": 5_000_000}


@pytest.mark.parametrize("status", ["pending", "suspended", "closed"])
def test_only_a_live_merchant_sells(status):
    with pytest.raises(MerchantNotLiveError) as raised:
        merchant(status).require_sells("CNY", "travel")
    assert (raised.value.status, raised.value.extra) == (409, {"current_status": status})


ALLOWED = {
    ("pending", "live"), ("pending", "closed"), ("live", "suspended"), ("live", "closed"), ("suspended", "live"),
    ("suspended", "closed"),
}  # fmt: skip


@pytest.mark.parametrize("before", STATUSES)
@pytest.mark.parametrize("after", STATUSES)
def test_a_status_goes_only_where_the_table_says(before, after):
    assert set(TRANSITIONS) == set(STATUSES)
    if (before, after) in ALLOWED:
        assert next_status(before, after) == after
    else:
        with pytest.raises(StatusChangeRefusedError):
            next_status(before, after)


def key_id(number):
    return id_text("key", number.to_bytes(16, "big"))


def principal(number, version):
    return Principal("merchant", "mer_1", frozenset(), key_id=key_id(number), keys_version=version)


def ring():
    return MerchantKeysItem(pk="mk#mer_1", status="live", keys_version=1)


def test_without_revocation_every_key_is_good():
    require_current(principal(1, 1), ring())


def test_a_revoked_key_is_refused_though_its_judgement_is_still_cached():
    item = ring()
    item.revoke(key_id(1))
    with pytest.raises(UnauthorizedError):
        require_current(principal(1, 1), item)


def test_the_other_keys_stay_good_though_their_judgement_is_as_old():
    item = ring()
    item.revoke(key_id(1))
    require_current(principal(2, 1), item)


def test_a_merchant_that_is_not_there_has_no_good_key():
    with pytest.raises(UnauthorizedError):
        require_current(principal(1, 1), None)


def test_a_revocation_before_the_judgement_is_not_asked_about_again():
    """A key id can't come back: it is the hash of a key. What matters is that old entries do not linger."""
    item = ring()
    item.revoke(key_id(1))
    require_current(principal(1, 2), item)


@given(st.data())
def test_against_the_whole_history(data):
    """A key is refused exactly when it was revoked since it was judged, or when that is too long ago to know."""
    item = ring()
    revoked = data.draw(st.permutations(range(30)))[: data.draw(st.integers(0, 30))]
    judged_after = data.draw(st.integers(0, len(revoked)))
    number = data.draw(st.sampled_from(revoked) if revoked and data.draw(st.booleans()) else st.integers(0, 40))
    for each in revoked:
        item.revoke(key_id(each))
    since = revoked[judged_after:]
    refused = number in since or len(since) > REMEMBERED
    if refused:
        with pytest.raises(UnauthorizedError):
            require_current(principal(number, 1 + judged_after), item)
    else:
        require_current(principal(number, 1 + judged_after), item)


def test_the_item_that_every_money_call_reads_stays_small():
    item = ring()
    item.pk = "mk#mer_" + "0" * 26
    item.status = "suspended"
    for number in range(100):
        item.revoke(key_id(number))
    assert item_bytes(item.serialize()) <= 350

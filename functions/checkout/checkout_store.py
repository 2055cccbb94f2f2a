"""Checkouts as items: an order waiting for the shopper (docs/data_model.md R3, W5)."""

from __future__ import annotations

from pynamodb.attributes import BinaryAttribute, JSONAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from functions.core.ids import id_bytes, id_text
from functions.payments.scenario import USUAL_COURSE, Course
from functions.platform.storage import keys
from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute, Item, RawItem
from functions.platform.storage.transactions import OnConflict, Update, WriteSet, create, replace
from functions.platform.web.commands import CommandsAttribute


class CheckoutItem(State):
    """An order's money, its state, and what one customer was shown of it; at most 1,024 bytes.

    What was ordered stands in an item of its own: a confirmation writes this one, and must not pay for the lines.
    """

    merchant = BinaryAttribute(legacy_encoding=False, attr_name="m")
    reference = UnicodeAttribute(attr_name="r")
    status = UnicodeAttribute(attr_name="s", default="open")
    amount = IntegerAttribute(attr_name="am")
    currency = UnicodeAttribute(attr_name="cu")
    category = UnicodeAttribute(attr_name="ca")
    channel = UnicodeAttribute(attr_name="ch")
    created_at_ms = IntegerAttribute(attr_name="t")
    expires_at_ms = IntegerAttribute(attr_name="ex")
    key = BinaryAttribute(legacy_encoding=False, attr_name="ik")
    body = BinaryAttribute(legacy_encoding=False, attr_name="ib")
    commands = CommandsAttribute()
    customer = BinaryAttribute(legacy_encoding=False, attr_name="c", null=True)
    parties = BinaryAttribute(legacy_encoding=False, attr_name="pt", null=True)
    programme = UnicodeAttribute(attr_name="pg", null=True)  # of education that is not the usual course
    stepped_up = IntegerAttribute(attr_name="sp", null=True)
    attempt = IntegerAttribute(attr_name="n", null=True)
    authorization = BinaryAttribute(legacy_encoding=False, attr_name="au", null=True)
    shown = BinaryAttribute(legacy_encoding=False, attr_name="sw", null=True)
    tries = IntegerAttribute(attr_name="tr", null=True)
    codes_sent = IntegerAttribute(attr_name="cd", null=True)
    confirmed_at_ms = IntegerAttribute(attr_name="ct", null=True)
    passkey = BinaryAttribute(legacy_encoding=False, attr_name="py", null=True)
    passkey_count = IntegerAttribute(attr_name="pn", null=True)

    @property
    def merchant_id(self) -> str:
        return id_text("mer", self.merchant)

    @property
    def customer_id(self) -> str | None:
        """Whose it is: the one who confirmed it, or whose step-up it is; None while it is anybody's."""
        return id_text("cus", self.customer) if self.customer else None

    @property
    def course(self) -> Course:
        """Who learns what; only an adult's checkout is made."""
        return Course(programme=self.programme) if self.programme else USUAL_COURSE

    @property
    def authorization_id(self) -> str | None:
        """The last attempt to finance it."""
        return id_text("auth", self.authorization) if self.authorization else None


class OrderItem(Item):
    """What was ordered and where it goes; the address is sealed with the checkout's own key. At most 40 KB.

    It goes by its TTL, and the key with it, unless the checkout is confirmed.
    """

    lines = JSONAttribute(attr_name="li", null=True)
    shipping_minor = IntegerAttribute(attr_name="sh", default=0)
    address = BinaryAttribute(legacy_encoding=False, attr_name="ad", null=True)
    wrapped_key = BinaryAttribute(legacy_encoding=False, attr_name="wk", null=True)
    return_url = UnicodeAttribute(attr_name="ru", null=True)
    language = UnicodeAttribute(attr_name="l", null=True)
    ttl = IntegerAttribute(attr_name="ttl", null=True)


class CheckoutRow(Item):
    """A row of a merchant's list of checkouts."""

    checkout = BinaryAttribute(legacy_encoding=False, attr_name="a")


def row_key(merchant_id: str, created_at_ms: int, checkout_id: str) -> tuple[str, str]:
    """Partition and sort key of a list row."""
    return keys.listing(merchant_id, "chk"), f"{created_at_ms:013d}#{checkout_id}"


def plan_new(item: CheckoutItem, order: OrderItem, on_conflict: OnConflict) -> WriteSet:
    """W12: a new checkout with what was ordered."""
    return WriteSet.of(create(item, on_conflict), create(order))


def plan_step_up(item: CheckoutItem, on_conflict: OnConflict) -> WriteSet:
    """A new checkout for an order whose lines we were not told."""
    return WriteSet.of(create(item, on_conflict))


def plan_change(item: CheckoutItem, seen_version: int) -> WriteSet:
    """W13: a checkout's next state."""
    return WriteSet.of(replace(item, seen_version))


def plan_show(item: CheckoutItem, shown: bytes, customer_id: str, codes_sent: int) -> WriteSet:
    """Remember what a customer was shown last; its state does not change, so nothing is told.

    Raises (at commit):
        ConditionFailedError: The checkout is not open any more, became another's, or a code was sent meanwhile.
    """
    own = Path("c").does_not_exist() | (Path("c") == id_bytes(customer_id))
    counted = Path("cd").does_not_exist() if item.codes_sent is None else Path("cd") == item.codes_sent
    actions = (Path("sw").set(shown), Path("cd").set(codes_sent), Path("tr").set(0))
    condition = (Path("s") == "open") & own & counted
    return WriteSet.of(Update(CheckoutItem, item.pk, keys.SELF, actions, condition))


def plan_try(item: CheckoutItem, most: int, on_conflict: OnConflict) -> WriteSet:
    """Count a try at the code before it is judged, so that parallel guesses share the few there are."""
    condition = (Path("s") == "open") & (Path("sw") == item.shown) & (Path("tr") < most)
    return WriteSet.of(Update(CheckoutItem, item.pk, keys.SELF, (Path("tr").add(1),), condition, on_conflict))


def plan_ask_step_up(item: CheckoutItem) -> WriteSet:
    """From now on this order is confirmed with a passkey or a code only."""
    return WriteSet.of(Update(CheckoutItem, item.pk, keys.SELF, (Path("sp").set(1),), Path("pk").exists()))


def plan_adopt(checkout_id: str) -> WriteSet:
    """Keep what was ordered for as long as the order lives; there may be nothing to keep."""
    return WriteSet.of(
        Update(OrderItem, checkout_id, keys.ORDER, (Path("ttl").remove(),), Path("pk").exists(), _nothing_to_keep)
    )


class NothingToKeepError(Exception):
    """The checkout has no order of its own."""


def _nothing_to_keep(_: RawItem | None) -> Exception:
    return NothingToKeepError()

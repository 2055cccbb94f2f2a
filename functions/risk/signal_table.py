"""Every declared signal: name, kind, unit, owner and an exact definition. Rules may use these and nothing else.

Windows end at the instant of the order and take every bucket they touch (functions.risk.counters). "Counted" includes
the order at hand. A customer without history has zeros where zero is true and no value where there is none to give.
"""

from __future__ import annotations

from typing import Final

from functions.risk.expression.schema import Kind, Signal, SignalSchema

SCHEMA_NUMBER: Final = 1
"""Stored beside every packed snapshot; grows when the meaning of a signal changes."""

_ALL: Final = ("15m", "1h", "1d", "30d")
_LONG: Final = ("1h", "1d", "30d")

_INT, _MONEY, _DURATION = Kind.INTEGER, Kind.MONEY, Kind.DURATION
_BOOL, _STRING, _STRINGS = Kind.BOOLEAN, Kind.STRING, Kind.STRINGS

_SYNC: Final[tuple[tuple[str, Kind, str, str, str, tuple[str, ...]], ...]] = (
    # the order
    ("amount_minor", _MONEY, "minor", "checkout", "Financed amount of the order.", ()),
    ("channel", _STRING, "", "checkout", "online or in_store.", ()),
    ("category", _STRING, "", "checkout", "Scenario of the order; absent for health and aesthetic medicine.", ()),
    ("liquid_goods", _BOOL, "", "checkout", "The order holds goods that sell for cash at once.", ()),
    ("hour_local", _INT, "hour", "checkout", "Hour of the day where the shop is, 0 to 23.", ()),
    ("weekend", _BOOL, "", "checkout", "Saturday or Sunday where the shop is.", ()),
    ("round_amount", _BOOL, "", "checkout", "The amount is a whole multiple of 100 major units.", ()),
    ("merchant", _STRING, "", "checkout", "Keyed hash of the merchant, 16 hexadecimal digits.", ()),
    ("device", _STRING, "", "checkout", "Keyed hash of the device.", ()),
    ("address", _STRING, "", "checkout", "Keyed hash of the delivery address.", ()),
    ("instrument", _STRING, "", "checkout", "Keyed hash of the repayment instrument.", ()),
    # the credit line
    ("share_of_available_bps", _INT, "bps", "credit", "Amount over what the line has available.", ()),
    ("limit_minor", _MONEY, "minor", "credit", "The limit of the line.", ()),
    ("utilisation_bps", _INT, "bps", "credit", "Held and outstanding over limit, before the order.", ()),
    ("utilisation_after_bps", _INT, "bps", "credit", "Held and outstanding over limit, with the order.", ()),
    ("tenure", _DURATION, "seconds", "credit", "Since the line was opened.", ()),
    ("limit_raise_age", _DURATION, "seconds", "credit", "Since the last limit raise; no value if never.", ()),
    # the customer's own history
    ("purchase_count", _INT, "count", "risk", "Purchases before this one since the line was opened.", ()),
    ("amount_to_mean_bps", _INT, "bps", "risk", "Amount over the mean of own purchases, from the third on.", ()),
    ("amount_to_largest_bps", _INT, "bps", "risk", "Amount over the largest own purchase.", ()),
    ("amount_z_centi", _INT, "σ/100", "risk", "Distance from the own mean in hundredths of σ, from the fifth on.", ()),
    ("amount_to_ticket_bps", _INT, "bps", "risk", "Amount over the merchant's mean order of 30 days.", ()),
    # velocity of the customer
    ("customer_count", _INT, "count", "credit", "Authorizations counted on the line.", _ALL),
    ("customer_sum", _MONEY, "minor", "credit", "Sum of the authorizations counted on the line.", _ALL),
    ("time_since_last", _DURATION, "seconds", "risk", "Since the previous purchase.", ()),
    # device, address, instrument as the profile knows them
    ("device_known", _BOOL, "", "risk", "This customer used the device before.", ()),
    ("device_age", _DURATION, "seconds", "risk", "Since the day this customer first used the device; 0 if new.", ()),
    ("device_customers_30d", _INT, "count", "risk", "Different customers on the device; at least this one.", ()),
    ("device_flagged", _BOOL, "", "risk", "The device is an emulator, rooted, or was part of confirmed fraud.", ()),
    ("address_known", _BOOL, "", "risk", "This customer used the delivery address before.", ()),
    ("address_age", _DURATION, "seconds", "risk", "Since the day this customer first used the address.", ()),
    ("address_customers_30d", _INT, "count", "risk", "Different customers delivered to there.", ()),
    ("instrument_known", _BOOL, "", "risk", "This customer used the repayment instrument before.", ()),
    ("instrument_age", _DURATION, "seconds", "risk", "Since the day this customer first used the instrument.", ()),
    ("instrument_customers_30d", _INT, "count", "risk", "Different customers on the instrument.", ()),
    # newness, place, channel
    ("first_at_merchant", _BOOL, "", "risk", "No purchase of this customer at the merchant is remembered.", ()),
    ("first_at_shop", _BOOL, "", "risk", "No purchase of this customer in the shop is remembered.", ()),
    ("channel_switched", _BOOL, "", "risk", "Another channel than the previous purchase.", ()),
    ("distance_km", _INT, "km", "risk", "From the place of the last purchase that told its place.", ()),
    ("travel_kmh", _INT, "km/h", "risk", "Least speed from there to the place of this purchase.", ()),
    # repayment, refunds and identity, as the profile knows them
    ("small_repayments_90d", _INT, "count", "servicing", "Clean small repayments in 90 days.", ()),
    ("first_payment_missed", _BOOL, "", "servicing", "The first installment ever due went unpaid past grace.", ()),
    ("refund_count_30d", _INT, "count", "payments", "Refunds.", ()),
    ("refund_share_bps_30d", _INT, "bps", "payments", "Sum refunded over sum bought.", ()),
    ("refund_elsewhere_count_30d", _INT, "count", "payments", "Refunds told to have gone to another instrument.", ()),
    ("identity_reuse", _INT, "count", "customers", "Other customers that share a component of the identity.", ()),
    # opinions
    ("lists", _STRINGS, "", "risk", "Names of the lists on which a party of the order stands.", ()),
    ("fraud_score_bps", _INT, "bps", "risk", "The fraud model's probability.", ()),
)

_STREAM: Final[tuple[tuple[str, Kind, str, str, str, tuple[str, ...]], ...]] = (
    ("device_count", _INT, "count", "risk", "Authorizations on the device.", _ALL),
    ("device_sum", _MONEY, "minor", "risk", "Their sum.", _ALL),
    ("device_customers", _INT, "count", "risk", "Different customers on the device.", ("1h", "1d")),
    ("device_merchants", _INT, "count", "risk", "Different merchants bought at from the device.", _LONG),
    ("address_count", _INT, "count", "risk", "Authorizations delivered to the address.", _ALL),
    ("address_sum", _MONEY, "minor", "risk", "Their sum.", _ALL),
    ("address_customers", _INT, "count", "risk", "Different customers delivered to there.", ("1h", "1d")),
    ("instrument_count", _INT, "count", "risk", "Authorizations on the instrument.", _ALL),
    ("instrument_sum", _MONEY, "minor", "risk", "Their sum.", _ALL),
    ("instrument_customers", _INT, "count", "risk", "Different customers on the instrument.", ("1h", "1d")),
    ("merchant_count", _INT, "count", "risk", "Authorizations at the merchant.", _ALL),
    ("merchant_sum", _MONEY, "minor", "risk", "Their sum.", _ALL),
    ("merchant_customers", _INT, "count", "risk", "Different customers of the merchant.", _LONG),
    ("merchant_devices", _INT, "count", "risk", "Different devices buying at the merchant.", _LONG),
    ("merchant_declines", _INT, "count", "risk", "Declined or held authorizations at the merchant.", _LONG),
    ("merchant_round_bps_30d", _INT, "bps", "risk", "Share of the merchant's orders with a round amount.", ()),
    ("merchant_elsewhere_bps_30d", _INT, "bps", "payments", "Share of its refunds told to have gone elsewhere.", ()),
    ("merchant_refund_bps_30d", _INT, "bps", "payments", "Sum refunded over sum sold.", ()),
    ("merchant_early_default_bps", _INT, "bps", "servicing", "Share of its plans whose first due went unpaid.", ()),
    ("merchant_plans_due", _INT, "count", "servicing", "Its plans whose first due date has passed.", ()),
    ("merchant_tenure", _DURATION, "seconds", "merchants", "Since the merchant first went live.", ()),
    ("merchant_dispute_bps_30d", _INT, "bps", "payments", "Disputes over captures.", ()),
    ("ring_size", _INT, "count", "risk", "Customers linked to this one by shared devices and addresses.", ()),
    ("ring_outstanding", _MONEY, "minor", "risk", "What the linked customers owe together.", ()),
    ("liquid_share_bps_30d", _INT, "bps", "risk", "Share of the customer's sum, with this order, in liquid goods.", ()),
)

LISTS: Final = {
    "blocked_devices": Kind.STRINGS,
    "blocked_addresses": Kind.STRINGS,
    "blocked_instruments": Kind.STRINGS,
    "blocked_customers": Kind.STRINGS,
    "watched_merchants": Kind.STRINGS,
    "watched_customers": Kind.STRINGS,
    "trusted_customers": Kind.STRINGS,
    "confirming_customers": Kind.STRINGS,
}
"""Named lists kept by staff; `lists` carries the names of those hit, so that no identity enters a snapshot."""

SYNC_SCHEMA: Final = SignalSchema(tuple(Signal(*row, synchronous=True) for row in _SYNC), LISTS)
"""What a rule of the authorization may use."""

SCHEMA: Final = SignalSchema((*SYNC_SCHEMA.signals, *(Signal(*row) for row in _STREAM)), LISTS)
"""What a rule of the stream may use: everything."""

"""A merchant's 30 days as the checks see them: what the counters of every order do not say. A value that packs small.

Orders, customers, devices and round amounts are counted of every order (`functions.risk.counters`); here stand the
rarer things: captures, orders near a limit, refunds, disputes, first installments. Adding is commutative.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from functions.risk.counters import DAY_S, Counter, Distinct, Ring
from functions.risk.pack import DamagedError, Packer, Unpacker
from functions.risk.watch.checks import MerchantPattern

_FORMAT: Final = 2
_MONTH_S: Final = 30 * DAY_S
SIGNS: Final = ("captured", "near_limit", "refunded", "elsewhere", "disputed", "first_due", "first_missed")


def _no_days() -> dict[str, Ring]:
    return {sign: Ring(DAY_S, 31) for sign in SIGNS}


@dataclass(frozen=True, slots=True)
class MerchantDays:
    """What was seen of a merchant, per sign and day.

    Args:
        days: Sign of `SIGNS` to count and sum per day.
        sharing: Which customers bought with a device that another customer has too.
    """

    days: Mapping[str, Ring] = field(default_factory=_no_days)
    sharing: Distinct = field(default_factory=Distinct)

    def add(self, sign: str, at_s: int, amount_minor: int) -> MerchantDays:
        """With one more."""
        return replace(self, days={**self.days, sign: self.days[sign].add(at_s, 1, amount_minor)})

    def with_sharing(self, customer: int, at_s: int) -> MerchantDays:
        """With a customer (64-bit hash) who shares a device; seeing the same again changes nothing."""
        return replace(self, sharing=self.sharing.add(customer, at_s))

    def total(self, sign: str, at_s: int) -> tuple[int, int]:
        """Count and sum of the 30 days up to an instant."""
        return self.days[sign].total(_MONTH_S, at_s)

    def pack(self) -> bytes:
        """As bytes for the item."""
        packer = Packer().unsigned(_FORMAT)
        for sign in SIGNS:
            buckets = self.days[sign].buckets
            newest = max(buckets, default=0)
            packer.unsigned(newest).unsigned(len(buckets))
            for bucket in sorted(buckets):
                count, total = buckets[bucket]
                packer.unsigned(newest - bucket).signed(count).signed(total)
        self.sharing.pack(packer)
        return packer.done()

    @classmethod
    def unpack(cls, data: bytes) -> MerchantDays:
        """Inverse of `pack`.

        Raises:
            DamagedError: Not bytes that `pack` wrote.
        """
        u = Unpacker(data)
        if (version := u.unsigned()) != _FORMAT:
            raise DamagedError(f"a merchant's days of format {version}; this code reads {_FORMAT}")
        days = {}
        for sign in SIGNS:
            newest = u.unsigned()
            buckets = {newest - u.unsigned(): (u.signed(), u.signed()) for _ in range(u.unsigned())}
            days[sign] = Ring(DAY_S, 31, buckets)
        sharing = Distinct.unpack(u)
        u.finish()
        return cls(days, sharing)


def pattern_of(merchant_id: str, seen: MerchantDays, counter: Counter | None, at_s: int) -> MerchantPattern:
    """A merchant's 30 days for the checks: the rarer things and what is counted of every order, put together.

    Args:
        merchant_id: `mer_…`.
        seen: The rarer things.
        counter: Of every order; None before the first.
        at_s: The end of the 30 days, seconds since 1970.
    """
    orders, sold = counter.total("30d", at_s) if counter else (0, 0)
    missed, _ = seen.total("first_missed", at_s)
    refunds, refunded = seen.total("refunded", at_s)
    return MerchantPattern(
        merchant=merchant_id,
        orders=orders,
        round_orders=counter.different("round", "30d", at_s) if counter else 0,
        near_limit_orders=seen.total("near_limit", at_s)[0],
        customers=counter.different("customers", "30d", at_s) if counter else 0,
        sharing_customers=seen.sharing.count(_MONTH_S, at_s),
        refunds=refunds,
        refunds_elsewhere=seen.total("elsewhere", at_s)[0],
        plans_due=seen.total("first_due", at_s)[0],
        plans_never_paid=missed,
        sold_minor=sold,
        refunded_minor=refunded,
        captures=seen.total("captured", at_s)[0],
        disputes=seen.total("disputed", at_s)[0],
        devices=counter.different("devices", "30d", at_s) if counter else 0,
    )

"""What stands behind the indicators: buckets, vintages, loss curves, roll rates, concentration. Pure."""

from __future__ import annotations

from typing import Any, Final

from functions.risk.portfolio.sums import BUCKETS, RECENT_MONTHS, Sums, share

TOP: Final = 20
"""Merchants that are named."""


def tables(sums: Sums) -> dict[str, Any]:
    """All tables of a day, as JSON values."""
    whole = sum(sums.merchants.values())
    largest = sorted(sums.merchants.items(), key=lambda each: (-each[1], each[0]))[:TOP]
    return {
        "buckets": [
            {
                "bucket": bucket,
                "plans": count,
                "outstanding_minor": total,
                "share_bps": share(total, sums.exposure_minor),
            }
            for bucket in BUCKETS
            for count, total in (sums.get("bucket", bucket),)
        ],
        "vintages": [_vintage(sums, month) for month in sorted(_months_of(sums, "vintage"))],
        "rolls": [
            {"month": month, "from": start, "to": end, "plans": count, "principal_minor": total}
            for month in sorted(_months_of(sums, "roll"))
            for path, (count, total) in sorted(sums.under("roll", month).items())
            for start, _, end in (path.partition(">"),)
        ],
        "merchants": [
            {"merchant_id": merchant, "outstanding_minor": owed, "share_bps": share(owed, whole)}
            for merchant, owed in largest
        ],
        "scenarios": [
            {"month": month, "scenario": scenario, "orders": count, "captured_minor": total}
            for month in sums.months(RECENT_MONTHS)
            for scenario, (count, total) in sorted(sums.under("scenario", month).items())
        ],
    }


def _months_of(sums: Sums, kind: str) -> set[str]:
    return {name.split("#")[1] for name in sums.named if name.startswith(f"{kind}#")}


def _vintage(sums: Sums, month: str) -> dict[str, Any]:
    """One month's plans: what they captured, how they stand, and what was lost of them by age."""
    plans, captured = sums.get("vintage", month, "captured")
    lost, curve = 0, []
    for age, (_, total) in sorted(sums.under("loss", month).items()):
        lost += total
        curve.append({"months": int(age), "lost_bps": share(max(0, lost), captured)})
    worse = sum(sums.get("vintage", month, bucket)[1] for bucket in ("M2", "M3", "M4+"))
    first_missed, first_paid = sums.get("first", month, "missed")[0], sums.get("first", month, "paid")[0]
    return {
        "month": month,
        "plans": plans,
        "captured_minor": captured,
        "outstanding_minor": sum(sums.get("vintage", month, bucket)[1] for bucket in BUCKETS),
        "past_due_30_bps": share(worse, captured),
        "first_payment_default_bps": share(first_missed, first_missed + first_paid),
        "loss_curve": curve,
    }

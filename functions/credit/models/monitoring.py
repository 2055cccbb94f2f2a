"""Vintages and overrides: how lines age by the month they were opened in, and how often people overrule the score."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from functions.credit.models.store import plan_tally, read_tallies
from functions.credit.upkeep.store import Cut, LimitFileItem
from functions.platform.storage import keys
from functions.platform.storage.transactions import WriteSet

BAD_MONTHS_LATE: Final = 3
"""A line is bad once it is more than 60 days past due: its third started month."""
OLDEST_MONTHS: Final = 36


def months_between(opened_on: str, cut: Cut) -> int:
    """Whole calendar months from the month of opening to that of a cut."""
    year, month = int(opened_on[:4]), int(opened_on[5:7])
    return (cut.cut_on.year - year) * 12 + cut.cut_on.month - month


def age_counts(file: LimitFileItem, cuts: Iterable[Cut]) -> WriteSet:
    """Count new cuts of a line in its vintage: lines seen at an age, and those of them that are bad by then.

    Args:
        file: With `bad_on` as it is after the cuts.
        cuts: New since the file was read; the write is guarded by the file's own version.
    """
    counts: dict[str, int] = {}
    for cut in cuts:
        age = months_between(file.opened_on, cut)
        if not 0 <= age <= OLDEST_MONTHS:
            continue
        counts[f"n{age}"] = counts.get(f"n{age}", 0) + 1
        if file.bad_on and file.bad_on <= cut.cut_on.isoformat():
            counts[f"b{age}"] = counts.get(f"b{age}", 0) + 1
    if not counts:
        return WriteSet()
    return plan_tally(keys.VINTAGES, f"{file.opened_on[:7]}#{file.currency}", counts)


def override_counts(kind: str, suggested_minor: int, outcome: str, month: str) -> WriteSet:
    """Count a person's decision: whether it departs from what the score would carry.

    Args:
        kind: "referral" or "appeal".
        suggested_minor: Limit that the score would carry; 0 if none.
        outcome: The person's, "approved" or "declined".
        month: "YYYY-MM".
    """
    counts = {"n": 1, f"{kind}_n": 1}
    if (suggested_minor > 0) != (outcome == "approved"):
        side = "up" if outcome == "approved" else "down"
        counts |= {side: 1, f"{kind}_{side}": 1}
    return plan_tally(keys.OVERRIDES, month, counts)


def vintages() -> list[dict[str, Any]]:
    """Every vintage with the share of its lines that are bad, by age in months."""
    out = []
    for name, counts in sorted(read_tallies(keys.VINTAGES).items()):
        month, _, currency = name.partition("#")
        ages = sorted(int(key[1:]) for key in counts if key.startswith("n"))
        curve = [_at(age, counts) for age in ages]
        out.append({"opened": month, "currency": currency, "curve": curve})
    return out


def _at(age: int, counts: Mapping[str, int]) -> dict[str, Any]:
    lines, bad = counts[f"n{age}"], counts.get(f"b{age}", 0)
    return {"months": age, "lines": lines, "bad": bad, "bad_share": bad / lines}


def overrides() -> list[dict[str, Any]]:
    """People's decisions by month: how many, and how many against the score, in either direction."""
    return [
        {
            "month": month,
            "decisions": counts["n"],
            "up": counts.get("up", 0),
            "down": counts.get("down", 0),
            "override_rate": (counts.get("up", 0) + counts.get("down", 0)) / counts["n"],
            "appeals": counts.get("appeal_n", 0),
            "appeals_granted": counts.get("appeal_up", 0),
        }
        for month, counts in sorted(read_tallies(keys.OVERRIDES).items())
    ]

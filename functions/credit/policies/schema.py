"""The shape of policy.json, as a table, and the walk that checks a document against it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

GRADES = ("A", "B", "C", "D", "E")


@dataclass(frozen=True, slots=True)
class Whole:
    """An integer between two bounds, both allowed."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Real:
    """A finite number between two bounds, both allowed."""

    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Text:
    """A non-empty string."""


@dataclass(frozen=True, slots=True)
class Wholes:
    """A non-empty list of integers."""

    item: Whole


@dataclass(frozen=True, slots=True)
class MapOf:
    """An object with free, non-empty set of keys and one shape of value."""

    value: Shape


Shape = Whole | Real | Text | Wholes | MapOf | Mapping[str, "Shape"]

_SHARE = Whole(0, 10_000)
_MULTIPLE = Whole(1, 1_000_000)
_PROBABILITY = Real(0.0, 1.0)
_DAYS = Whole(0, 3650)
_TIER: dict[str, Shape] = {
    "fee_bps_month": Whole(0, 1_000),
    "terms": Wholes(Whole(1, 60)),
    "installment_share_bps": _SHARE,
    "income_multiple_bps": _MULTIPLE,
    "cap_reference_bps": _MULTIPLE,
}
_BY_GRADE: dict[str, Shape] = dict.fromkeys(GRADES, _PROBABILITY)

SCHEMA: dict[str, Shape] = {
    "version": Text(),
    "majority_years": Whole(14, 30),
    "reapplication_days": _DAYS,
    "term_months": Whole(1, 60),
    "reference_income_minor": MapOf(Whole(1, 10**12)),
    "portfolio_offsets": MapOf({"application": Real(-20, 20), "behavior": Real(-20, 20)}),
    "limit_grid_bps": Wholes(_MULTIPLE),
    "grades": {"application": _BY_GRADE, "behavior": _BY_GRADE},
    "refer_pd_at_most": _PROBABILITY,
    "tiers": dict.fromkeys(GRADES, _TIER),
    "debt_service_bps_month": _SHARE,
    "income": {"verify_over_reference_bps": _MULTIPLE, "haircut_bps": _SHARE},
    "bureau": {
        "decline_open_defaults": Whole(1, 1_000),
        "decline_past_defaults": Whole(1, 1_000),
        "refer_inquiries_90d": Whole(1, 1_000),
        "thin_file_cap_reference_bps": _MULTIPLE,
    },
    "purchase_history": {
        "tenure_months_at_least": Whole(0, 600),
        "orders_at_least": Whole(0, 100_000),
        "returned_bps_at_most": _SHARE,
    },
    "people": {
        "second_person_over_reference_bps": _MULTIPLE,
        "proposal_days": Whole(1, 365),
        "appeal_days": Whole(1, 365),
        "appeal_answer_working_days": Whole(1, 60),
        "referral_answer_working_days": Whole(1, 60),
        "working_calendar": Text(),
    },
    "dynamic": {
        "statements_at_least": Whole(1, 120),
        "cooldown_days": _DAYS,
        "raise_bps_at_most": _SHARE,
        "raise_streak_at_least": Whole(0, 120),
        "raise_utilisation_bps_at_least": _SHARE,
        "raise_pd_at_most": _PROBABILITY,
        "hysteresis_days_after_cut": _DAYS,
        "cut_pd_over": _PROBABILITY,
        "cut_bps": {"M1": _SHARE, "M2": _SHARE, "pd": _SHARE, "bureau": _SHARE, "income": _SHARE},
        "freeze_days_past_due": _DAYS,
        "temporary_bps_at_most": _SHARE,
        "temporary_days_at_most": _DAYS,
        "round_down_bps_of_reference": Whole(1, 10_000),
    },
}


def _is_number(value: object, *, whole: bool) -> bool:
    kinds: tuple[type, ...] = (int,) if whole else (int, float)
    return isinstance(value, kinds) and not isinstance(value, bool) and math.isfinite(value)  # type: ignore[arg-type]


def _bounded(shape: Whole | Real, value: Any, pointer: str) -> Iterator[str]:  # noqa: ANN401  JSON
    whole = isinstance(shape, Whole)
    if not _is_number(value, whole=whole):
        yield f"{pointer} must be {'an integer' if whole else 'a number'}"
    elif not shape.least <= value <= shape.most:
        yield f"{pointer} is {value}, outside {shape.least} … {shape.most}"


def _object(shape: Mapping[str, Shape], value: Any, pointer: str) -> Iterator[str]:  # noqa: ANN401  JSON
    if not isinstance(value, Mapping):
        yield f"{pointer or '/'} must be an object"
        return
    yield from (f"{pointer}/{name} is missing" for name in shape if name not in value)
    yield from (f"{pointer}/{name} is unknown" for name in value if name not in shape)
    for name, inner in shape.items():
        if name in value:
            yield from _walk(inner, value[name], f"{pointer}/{name}")


def _walk(shape: Shape, value: Any, pointer: str) -> Iterator[str]:  # noqa: ANN401  JSON
    match shape:
        case Whole() | Real():
            yield from _bounded(shape, value, pointer)
        case Text():
            if not isinstance(value, str) or not value:
                yield f"{pointer} must be a non-empty string"
        case Wholes(item):
            if not isinstance(value, list) or not value:
                yield f"{pointer} must be a non-empty list"
            else:
                for index, inner in enumerate(value):
                    yield from _bounded(item, inner, f"{pointer}/{index}")
        case MapOf(inner):
            if not isinstance(value, Mapping) or not value:
                yield f"{pointer} must be a non-empty object"
            else:
                for name, one in value.items():
                    yield from _walk(inner, one, f"{pointer}/{name}")
        case _:
            yield from _object(shape, value, pointer)


def check(document: Any) -> list[str]:  # noqa: ANN401  JSON
    """Everything wrong with the shape of a policy document, each as JSON pointer and complaint; empty if sound."""
    return list(_walk(SCHEMA, document, ""))

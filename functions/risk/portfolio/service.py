"""The portfolio's daily snapshot, and reading it: the latest, one day, one indicator over time."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from typing import Any, Final

from functions.core.clock import epoch_ms, from_epoch_ms, isoformat
from functions.core.errors import FieldError, InvalidError, NotFoundError
from functions.core.money import require_currency
from functions.lending.products.service import product_book
from functions.platform.container import container
from functions.platform.observability import count
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending, Rendered, Told
from functions.platform.storage.table import RawItem
from functions.platform.storage.transactions import ConditionFailedError, commit
from functions.platform.web.context import Call
from functions.risk.portfolio.indicators import INDICATORS, layers
from functions.risk.portfolio.store import SnapshotItem, all_sums, find_snapshot, plan_snapshot, snapshots
from functions.risk.portfolio.sums import Sums
from functions.risk.portfolio.tables import tables

DAYS_SHOWN: Final = 90
MOST_DAYS: Final = 400
_FIRST, _LAST = "0000", "9999"


def take_snapshots(request_id: str) -> int:
    """Take today's snapshot of every currency that has products; one that is there already stays.

    Returns:
        How many were taken.
    """
    currencies = sorted({product.currency for product in product_book().products})
    taken = sum(_take(currency, request_id) for currency in currencies)
    count("PortfolioSnapshots", taken)
    return taken


def _take(currency: str, request_id: str) -> bool:
    now = container().clock.now()
    on = now.date()
    if find_snapshot(currency, on.isoformat()) is not None:
        return False
    sums = Sums.of(on, all_sums(currency))
    if not sums.named:
        return False
    item = SnapshotItem(
        pk=keys.snapshots(currency),
        sk=on.isoformat(),
        version=1,
        layers=layers(sums),
        tables=tables(sums),
        taken_at_ms=epoch_ms(now),
    )
    alarms = [i["name"] for layer in item.layers for i in layer["indicators"] if i["status"] == "alarm"]
    told = [Pending("portfolio.alarmed", {"currency": currency, "on": item.sk, "indicators": alarms})] if alarms else []
    item.tell(now, request_id, *told)
    with suppress(ConditionFailedError):  # another container took it at the same moment
        commit(container().tables, plan_snapshot(item, ConditionFailedError))
        return True
    return False


def read_portfolio(call: Call) -> dict[str, Any]:
    """A snapshot as staff see it: of `?on=`, else the latest.

    Raises:
        NotFoundError: None was taken then.
        InvalidError: Not a currency or a day.
    """
    currency = _currency(call)
    if "on" in call.query:
        item = find_snapshot(currency, _day(call, "on").isoformat())
    else:
        item = next(iter(snapshots(currency, _FIRST, _LAST, most=1, forward=False)), None)
    if item is None:
        raise NotFoundError
    return {
        "object": "portfolio",
        "currency": currency,
        "on": item.sk,
        "taken_at": isoformat(from_epoch_ms(item.taken_at_ms)),
        "layers": item.layers,
        **item.tables,
    }


def read_history(call: Call) -> dict[str, Any]:
    """One indicator, day by day, `?from=` to `?to=`; the last ninety days if not said.

    Raises:
        InvalidError: No such indicator, not a day, or more than 400 days.
    """
    currency, name = _currency(call), call.query.get("indicator", "")
    indicator = next((each for each in INDICATORS if each.name == name), None)
    if indicator is None:
        names = ", ".join(each.name for each in INDICATORS)
        raise InvalidError(f"an indicator is one of {names}", errors=(FieldError("indicator", "unknown", names),))
    until = _day(call, "to") if "to" in call.query else container().clock.now().date()
    since = _day(call, "from") if "from" in call.query else until - timedelta(days=DAYS_SHOWN - 1)
    if not 0 <= (until - since).days < MOST_DAYS:
        raise InvalidError("a history is 1 to 400 days", errors=(FieldError("from", "out_of_range", "1 to 400 days"),))
    found = snapshots(currency, since.isoformat(), until.isoformat(), most=MOST_DAYS)
    return {
        "object": "indicator_history",
        "currency": currency,
        "indicator": name,
        "layer": indicator.layer,
        "unit": indicator.unit,
        "definition": indicator.definition,
        "data": [{"on": item.sk, **_value_in(item, name)} for item in found],
    }


def _value_in(item: SnapshotItem, name: str) -> dict[str, Any]:
    """An indicator that is younger than the snapshot has no value in it."""
    shown = (each for layer in item.layers for each in layer["indicators"] if each["name"] == name)
    found = next(shown, {"value": None, "status": "no_value"})
    return {"value": found["value"], "status": found["status"]}


def render(told: Told, image: RawItem) -> Rendered | None:
    """The payload of `portfolio.alarmed`; staff alone hear of it."""
    item = SnapshotItem.from_raw_data(dict(image))
    return Rendered(object_id=f"{item.pk}#{item.sk}", data=dict(told.note))


def _currency(call: Call) -> str:
    return require_currency(call.query.get("currency", "CNY"))


def _day(call: Call, name: str) -> date:
    try:
        return date.fromisoformat(call.query[name])
    except ValueError:
        raise InvalidError(f"{name} is a day", errors=(FieldError(name, "invalid", "YYYY-MM-DD"),)) from None

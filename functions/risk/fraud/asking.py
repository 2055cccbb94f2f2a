"""New decisions are shown to the challenger of the fraud model, if there is one: put on the assessments queue, by id.

While there is none, that costs nothing: who scores in the shadow is known with the rules in force, half a minute old.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from functions.core.errors import UnavailableError
from functions.platform.bus.stream import StreamRecord
from functions.platform.container import container
from functions.platform.observability import count, log
from functions.platform.storage import keys
from functions.risk.rule_life.live import live

ORDERS_DECIDED: Final = "orders_decided"
"""Kind of the message: see `credit.models.events.WORK`."""
_RECORD: Final = "dr"


def ask_challenger(records: Sequence[StreamRecord]) -> None:
    """Ask for the shadow scores of the new decisions in a batch; twice writes the same.

    A comparison is worth no order's delay: what can't be asked for now is not compared.
    """
    orders = [record.pk for record in records if _is_decided(record)]
    if not orders:
        return
    box = container()
    try:
        if live().fraud_challenger:
            body = {"kind": ORDERS_DECIDED, "authorizations": orders}
            box.queue(box.settings.assessments_queue_url).send([body])
    except UnavailableError:
        log().warning("challenger not asked", extra={"orders": len(orders)})
        count("shadow_orders_missed", len(orders))


def _is_decided(record: StreamRecord) -> bool:
    """A new authorization that rules and model had a say in, whatever they said."""
    if record.new is None or record.old is not None:
        return False
    return record.pk.startswith("auth_") and record.sk == keys.SELF and _RECORD in record.new

"""A timer: when something whose own item is in no index is to be looked at next.

It stands in the action index under its object's id, written by the projector that hears of the object's changes and
moved by whoever looks. Looking judges the object itself, so that an early, late or doubled look does no harm.
"""

from __future__ import annotations

from datetime import datetime

from pynamodb.attributes import UnicodeAttribute

from functions.platform.storage import keys
from functions.platform.storage.action_index import hour_key, shard_of
from functions.platform.storage.table import Item
from functions.platform.storage.transactions import Delete, Put, WriteSet


class TimerItem(Item):
    """When an object is to be looked at."""

    shard = UnicodeAttribute(attr_name="gk")
    hour = UnicodeAttribute(attr_name="gs")


def plan_timer(object_id: str, at: datetime | None, shards: int) -> WriteSet:
    """Look at an object at an instant, or never again.

    Args:
        object_id: Its public id.
        at: Business instant; None takes the timer away.
        shards: Of the action index.
    """
    if at is None:
        return WriteSet.of(Delete(TimerItem, object_id, keys.TIMER))
    shard = keys.action_hour(shard_of(object_id, shards))
    return WriteSet.of(Put(TimerItem(pk=object_id, sk=keys.TIMER, shard=shard, hour=hour_key(at))))

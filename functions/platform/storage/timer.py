"""A timer: when something whose own item is in no index is to be looked at next.

It stands in the action index under its object's id, written by the projector that hears of the object's changes and
moved by whoever looks. Looking judges the object itself, so that an early or doubled look does no harm. A late one
would: a timer tells the version of the object that it is of, and one of an earlier version does not overwrite it.
"""

from __future__ import annotations

from datetime import datetime

from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.operand import Path

from functions.platform.storage import keys
from functions.platform.storage.action_index import hour_key, shard_of
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import Delete, Put, WriteSet


class TimerItem(Item):
    """When an object is to be looked at."""

    shard = UnicodeAttribute(attr_name="gk")
    hour = UnicodeAttribute(attr_name="gs")
    version = IntegerAttribute(attr_name="v")


def plan_timer(object_id: str, at: datetime | None, shards: int, version: int) -> WriteSet:
    """Look at an object at an instant, or never again; a timer of a later version stays.

    Args:
        object_id: Its public id.
        at: Business instant; None takes the timer away. Should an earlier event bring it back, looking removes it.
        shards: Of the action index.
        version: Of the object that says so: the sequence of its event, or as it was judged.
    """
    if at is None:
        return WriteSet.of(Delete(TimerItem, object_id, keys.TIMER))
    shard = keys.action_hour(shard_of(object_id, shards))
    timer = TimerItem(pk=object_id, sk=keys.TIMER, shard=shard, hour=hour_key(at), version=version)
    return WriteSet.of(Put(timer, Path("pk").does_not_exist() | (Path("v") <= version)))

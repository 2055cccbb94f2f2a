"""A sale at a till in the action index: found by the sweep in the hour after its wait is over."""

from __future__ import annotations

from datetime import datetime

from pynamodb.attributes import UnicodeAttribute

from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.action_index import hour_key, shard_of
from functions.platform.storage.table import Item
from functions.platform.storage.transactions import Delete, Put, WriteSet


class TillTimer(Item):
    """When a sale is looked at, whatever became of its message."""

    shard = UnicodeAttribute(attr_name="gk")
    hour = UnicodeAttribute(attr_name="gs")


def plan_timer(authorization_id: str, due: datetime) -> WriteSet:
    """Look at a sale in the first hour that begins after it is due."""
    shard = shard_of(authorization_id, container().settings.shards)
    pk = keys.till_timer(authorization_id)
    return WriteSet.of(Put(TillTimer(pk=pk, sk=keys.TIMER, shard=keys.action_hour(shard), hour=hour_key(due))))


def plan_done(authorization_id: str) -> WriteSet:
    """Nothing is due to a sale any more."""
    return WriteSet.of(Delete(TillTimer, keys.till_timer(authorization_id), keys.TIMER))

"""The operational table as a dictionary: for tests that write so much that moto, which copies every table at each
transaction, would take minutes. It knows GetItem, BatchGetItem and TransactWriteItems of puts, and nothing else.
"""

from __future__ import annotations

from typing import Any

from pynamodb.exceptions import VerboseClientError

from functions.platform.storage.table import RawItem, Tables
from tests.builders.platform import LEDGER_TABLE, TABLE


class MemoryTables(Tables):
    """Tables whose requests end here."""

    def __init__(self) -> None:
        self.table, self.ledger_table = TABLE, LEDGER_TABLE
        self.stored: dict[tuple[str, str], RawItem] = {}

    def dispatch(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = getattr(self, f"_{operation}")(arguments)
        return answer

    def _GetItem(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  the operation's name
        found = self.stored.get(_key(asked["Key"]))
        return {"Item": found} if found else {}

    def _BatchGetItem(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        wanted = asked["RequestItems"][TABLE]["Keys"]
        return {"Responses": {TABLE: [self.stored[_key(k)] for k in wanted if _key(k) in self.stored]}}

    def _TransactWriteItems(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        puts = [each["Put"] for each in asked["TransactItems"]]
        reasons = [{"Code": "None"} if self._holds(put) else self._failed(put) for put in puts]
        if any(reason["Code"] != "None" for reason in reasons):
            error = {"Error": {"Code": "TransactionCanceledException", "Message": ""}, "CancellationReasons": reasons}
            raise VerboseClientError(error, "TransactWriteItems", {})
        self.stored |= {_key(put["Item"]): put["Item"] for put in puts}
        return {}

    def _failed(self, put: dict[str, Any]) -> dict[str, Any]:
        return {"Code": "ConditionalCheckFailed", "Item": self.stored.get(_key(put["Item"]))}

    def _holds(self, put: dict[str, Any]) -> bool:
        """Whether a put's condition holds: none, that there is no such item, or that it is of one version."""
        had, said = self.stored.get(_key(put["Item"])), put.get("ConditionExpression")
        if said is None:
            return True
        if said.startswith("attribute_not_exists"):
            return had is None
        [version] = put["ExpressionAttributeValues"].values()
        return had is not None and had["v"] == version


def _key(item: dict[str, Any]) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]

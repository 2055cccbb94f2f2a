"""Reading the tables: pynamodb models with declared metadata over one shared connection.

A model gives an item its readable names and its serialisation; the connection is ours alone, so no DescribeTable
happens, every request passes the request meter, and the table's name is a setting and not a class attribute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, UnknownServiceError
from botocore.loaders import Loader
from pynamodb.attributes import Attribute, NumberAttribute, UnicodeAttribute
from pynamodb.connection import Connection
from pynamodb.constants import NUMBER
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path
from pynamodb.models import Model

from functions.core.errors import UnavailableError
from functions.platform.storage import keys
from functions.platform.storage.wire import PlainConnection, PlainParsers

RawItem = dict[str, dict[str, Any]]
ACTION_INDEX = "gsi1"
BATCH_GET_LIMIT = 100
USER_AGENT = "whitenote"
_TRANSIENT = frozenset(
    {
        "InternalServerError",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "ServiceUnavailable",
        "ThrottlingException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
"""Faults of the other side that may pass; anything else is a bug of ours and is raised as it is."""


class IntegerAttribute(Attribute[int]):
    """An exact integer; DynamoDB keeps 38 digits, and no float is ever involved."""

    attr_type = NUMBER

    def serialize(self, value: int) -> str:
        if value != int(value):
            raise ValueError("not an integer")
        return str(int(value))

    def deserialize(self, value: str) -> int:
        return int(value)


class Item(Model):
    """Base of every item: string keys, an optional TTL and a version that grows with every state change."""

    pk: UnicodeAttribute = UnicodeAttribute(hash_key=True)
    sk: UnicodeAttribute = UnicodeAttribute(range_key=True, default=keys.SELF)

    ledger: ClassVar[bool] = False
    """Whether the item lives in the append-only table."""

    class Meta:
        table_name = "declared-by-settings"


ItemT = TypeVar("ItemT", bound=Item)


def key_of(pk: str, sk: str = keys.SELF) -> RawItem:
    """A primary key as DynamoDB wants it."""
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def from_raw(model: type[ItemT], raw: Mapping[str, Any] | None) -> ItemT | None:
    """A model from a stored item, an ALL_OLD image or a stream image; None stays None."""
    return model.from_raw_data(dict(raw)) if raw else None


class Expressions:
    """Collects placeholders of one request's expressions."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, Any] = {}

    def members(self) -> dict[str, Any]:
        out: dict[str, Any] = {}
        if self.names:
            out["ExpressionAttributeNames"] = {placeholder: name for name, placeholder in self.names.items()}
        if self.values:
            out["ExpressionAttributeValues"] = self.values
        return out


class Tables:
    """The two tables of one deployment.

    Args:
        connection: pynamodb's connection; its client is created at the first request.
        table: Name of the operational table.
        ledger_table: Name of the append-only table.
    """

    def __init__(self, connection: Connection, table: str, ledger_table: str) -> None:
        self.connection = connection
        self.table = table
        self.ledger_table = ledger_table

    def name_of(self, model: type[Item] | Item) -> str:
        return self.ledger_table if model.ledger else self.table

    def dispatch(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """One request.

        Raises:
            UnavailableError: Throttled, timed out or failed on the other side after the client's own retries.
        """
        try:
            result: dict[str, Any] = self.connection.dispatch(
                operation, {"ReturnConsumedCapacity": "NONE", **arguments}
            )
        except BotoCoreError as error:
            raise unavailable(error) from error
        except ClientError as error:
            if error.response["Error"]["Code"] in _TRANSIENT:
                raise unavailable(error) from error
            raise
        return result

    def get(self, model: type[ItemT], pk: str, sk: str = keys.SELF, *, consistent: bool = False) -> ItemT | None:
        """One item or None."""
        raw = self.dispatch(
            "GetItem",
            {"TableName": self.name_of(model), "Key": key_of(pk, sk), "ConsistentRead": consistent},
        ).get("Item")
        return from_raw(model, raw)

    def batch_get(
        self, wanted: Sequence[tuple[type[Item], str, str]], *, consistent: bool = False
    ) -> list[Item | None]:
        """Up to 100 items of one table in one request, in the order asked; what is not there is None.

        Unprocessed keys are asked for again, once per answer, until all are answered.
        """
        if not wanted:
            return []
        if len(wanted) > BATCH_GET_LIMIT:
            raise ValueError("a batch reads at most 100 items")
        name = self.name_of(wanted[0][0])
        pending = [key_of(pk, sk) for pk, sk in dict.fromkeys((pk, sk) for _, pk, sk in wanted)]
        found: dict[tuple[str, str], RawItem] = {}
        while pending:
            answer = self.dispatch(
                "BatchGetItem",
                {"RequestItems": {name: {"Keys": pending, "ConsistentRead": consistent}}},
            )
            for raw in answer["Responses"].get(name, []):
                found[raw["pk"]["S"], raw["sk"]["S"]] = raw
            pending = answer.get("UnprocessedKeys", {}).get(name, {}).get("Keys", [])
        return [from_raw(model, found.get((pk, sk))) for model, pk, sk in wanted]

    def read_all(self, wanted: Sequence[tuple[type[Item], str, str]], *, consistent: bool = False) -> list[Item | None]:
        """`batch_get` of any number of items, in as few requests as that takes."""
        parts = (wanted[start : start + BATCH_GET_LIMIT] for start in range(0, len(wanted), BATCH_GET_LIMIT))
        return [item for part in parts for item in self.batch_get(part, consistent=consistent)]

    def query_raw(
        self,
        model: type[Item],
        condition: Condition,
        *,
        limit: int,
        index: str | None = None,
        forward: bool = True,
        start: RawItem | None = None,
        consistent: bool = False,
    ) -> tuple[list[RawItem], RawItem | None]:
        """One page of a query and the key to go on from."""
        expressions = Expressions()
        arguments: dict[str, Any] = {
            "TableName": self.name_of(model),
            "KeyConditionExpression": condition.serialize(expressions.names, expressions.values),
            "Limit": limit,
            "ScanIndexForward": forward,
        }
        arguments |= expressions.members()
        if index:
            arguments["IndexName"] = index
        if consistent:
            arguments["ConsistentRead"] = True
        if start:
            arguments["ExclusiveStartKey"] = start
        answer = self.dispatch("Query", arguments)
        return answer["Items"], answer.get("LastEvaluatedKey")

    def query(
        self,
        model: type[ItemT],
        pk: str,
        *,
        limit: int,
        sort: Condition | None = None,
        forward: bool = True,
        start: RawItem | None = None,
        consistent: bool = False,
    ) -> tuple[list[ItemT], RawItem | None]:
        """One page of a partition, as models."""
        condition: Condition = Path("pk") == pk
        raw, last = self.query_raw(
            model,
            condition & sort if sort is not None else condition,
            limit=limit,
            forward=forward,
            start=start,
            consistent=consistent,
        )
        return [model.from_raw_data(r) for r in raw], last


def unavailable(error: BaseException) -> UnavailableError:
    """What the caller hears of a fault that is neither theirs nor ours."""
    return UnavailableError(f"storage did not answer ({type(error).__name__})", retry_after_s=1)


class _WithoutEndpointRules(Loader):
    """botocore's data without endpoint rules: the region's one address is known before, and need not be found anew.

    Evaluating the rules at every request is a tenth of its processor time, and loading them a part of a cold start.
    """

    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:  # noqa: ANN401  botocore's own signature
        if type_name == "endpoint-rule-set-1":
            raise UnknownServiceError(service_name=service_name, known_service_names="")
        return super().load_service_model(service_name, type_name, api_version)


def connect(region: str, endpoint_url: str | None = None) -> Connection:
    """A connection that times out and retries as a checkout needs: quickly, twice."""
    connection = PlainConnection(
        region=region,
        host=endpoint_url,
        connect_timeout_seconds=1,
        read_timeout_seconds=4,
        max_pool_connections=16,
        retry_configuration={"total_max_attempts": 3, "mode": "standard"},
    )
    # composing botocore's own User-Agent, twice a request, is a sixth of a request's processor time
    connection.session.set_default_client_config(Config(user_agent=USER_AGENT))
    connection.session.register_component("data_loader", _WithoutEndpointRules())
    connection.session.register_component("response_parser_factory", PlainParsers())
    return connection


__all__ = [
    "ACTION_INDEX",
    "IntegerAttribute",
    "Item",
    "NumberAttribute",
    "RawItem",
    "Tables",
    "connect",
    "from_raw",
    "key_of",
    "unavailable",
]

"""DynamoDB's JSON, written and read plainly, is what botocore writes and reads.

Outside reference: botocore's own serializer and parser of the same service model, on every kind of value there is.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import botocore.session
import pytest
from botocore.parsers import JSONParser
from botocore.serialize import JSONSerializer
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.platform.storage.wire import PlainParsers, PlainSerializer
from tests.builders.platform import Platform


@lru_cache
def dynamodb() -> Any:
    return botocore.session.get_session().get_service_model("dynamodb")


TEXTS, BYTES = st.text(max_size=8), st.binary(max_size=40)
NUMBERS = st.integers(-(10**38) + 1, 10**38 - 1).map(str)
LEAVES = st.one_of(
    TEXTS.map(lambda each: {"S": each}),
    NUMBERS.map(lambda each: {"N": each}),
    BYTES.map(lambda each: {"B": each}),
    st.booleans().map(lambda each: {"BOOL": each}),
    st.just({"NULL": True}),
    st.lists(TEXTS, min_size=1, max_size=3).map(lambda each: {"SS": each}),
    st.lists(NUMBERS, min_size=1, max_size=3).map(lambda each: {"NS": each}),
    st.lists(BYTES, min_size=1, max_size=3).map(lambda each: {"BS": each}),
)
NAMES = st.one_of(TEXTS, st.sampled_from(["B", "BS", "S", "M", "L"]))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda each: {"L": each}),
        st.dictionaries(NAMES, inner, max_size=3).map(lambda each: {"M": each}),
    ),
    max_leaves=8,
)
ITEMS = st.dictionaries(NAMES, VALUES, min_size=1, max_size=4)


@settings(max_examples=40)
@given(ITEMS)
def test_a_request_is_written_as_botocore_writes_it(item: dict[str, Any]) -> None:
    operation = dynamodb().operation_model("TransactWriteItems")
    put = {"TableName": "whitenote", "Item": item, "ConditionExpression": "attribute_not_exists (#0)"}
    parameters = {"TransactItems": [{"Put": put}], "ClientRequestToken": "one"}
    plain = PlainSerializer().serialize_to_request(parameters, operation)
    theirs = JSONSerializer().serialize_to_request(parameters, operation)
    assert json.loads(plain.pop("body")) == json.loads(theirs.pop("body"))
    assert plain == theirs


@settings(max_examples=40)
@given(ITEMS)
def test_an_answer_is_read_as_botocore_reads_it(item: dict[str, Any]) -> None:
    operation = dynamodb().operation_model("PutItem")
    body = JSONSerializer().serialize_to_request({"TableName": "whitenote", "Item": item}, operation)["body"]
    told = {"Responses": {"whitenote": [json.loads(body)["Item"]]}, "UnprocessedKeys": {}}
    answer = {"status_code": 200, "headers": {"x-amzn-requestid": "r"}, "body": json.dumps(told).encode()}
    shape = dynamodb().operation_model("BatchGetItem").output_shape
    plain = PlainParsers().create_parser("json").parse(answer, shape)
    assert plain == JSONParser().parse(answer, shape)
    assert plain["Responses"]["whitenote"] == [item]


def test_an_error_is_read_as_botocore_reads_it() -> None:
    kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException"
    reasons = [{"Code": "ConditionalCheckFailed", "Item": {"pk": {"S": "x"}, "b": {"B": "AAE="}}}, {"Code": "None"}]
    told = {"__type": kind, "Message": "cancelled", "CancellationReasons": reasons}
    answer = {"status_code": 400, "headers": {"x-amzn-requestid": "r"}, "body": json.dumps(told).encode()}
    shape = dynamodb().operation_model("TransactWriteItems").output_shape
    plain = PlainParsers().create_parser("json").parse(answer, shape)
    theirs = JSONParser().parse(answer, shape)
    assert plain["Error"] == theirs["Error"]
    assert plain["ResponseMetadata"] == theirs["ResponseMetadata"]
    modelled = dynamodb().shape_for("TransactionCanceledException")
    plain, theirs = (each.parse(answer, modelled) for each in (PlainParsers().create_parser("json"), JSONParser()))
    assert plain["CancellationReasons"] == theirs["CancellationReasons"]


def test_what_is_not_of_dynamodbs_form_is_refused_before_it_is_sent() -> None:
    operation = dynamodb().operation_model("PutItem")
    with pytest.raises(TypeError, match="datetime is not of DynamoDB's form"):
        PlainSerializer().serialize_to_request({"Item": {"a": {"S": datetime(2026, 1, 1, tzinfo=UTC)}}}, operation)


def test_the_tables_client_speaks_so(platform: Platform) -> None:
    client = platform.tables.connection.client
    assert isinstance(client._serializer, PlainSerializer)
    assert isinstance(client._endpoint._response_parser_factory, PlainParsers)

"""DynamoDB's JSON written and read as it is, without botocore's walk through its model of the service.

pynamodb hands over, and expects, DynamoDB's own form ({"S": …}); of all that botocore's serializer and parser do at
each value only one thing is left to do: bytes are base 64 in JSON. The walk is a quarter of a request's processor time.
tests/integration/platform/test_wire.py holds both to botocore's own on every kind of value and on errors.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from botocore.parsers import JSONParser, ResponseParserFactory
from botocore.serialize import JSONSerializer
from pynamodb.connection import Connection


class PlainSerializer(JSONSerializer):
    """A request's parameters as its body."""

    def serialize_to_request(self, parameters: Mapping[str, Any], operation_model: Any) -> dict[str, Any]:  # noqa: ANN401
        metadata = operation_model.metadata
        return {
            "url_path": "/",
            "query_string": "",
            "method": "POST",
            "headers": {
                "X-Amz-Target": f"{metadata['targetPrefix']}.{operation_model.name}",
                "Content-Type": f"application/x-amz-json-{metadata['jsonVersion']}",
            },
            "body": _ENCODER.encode(parameters).encode(),
        }


class PlainParser(JSONParser):
    """An answer's body as its value; errors are read as botocore reads them."""

    def _handle_json_body(self, raw_body: bytes, shape: Any) -> dict[str, Any]:  # noqa: ANN401, ARG002
        answer: dict[str, Any] = _DECODER.decode(raw_body.decode()) if raw_body else {}
        return answer


class PlainParsers(ResponseParserFactory):
    """What a session is given as its `response_parser_factory`."""

    def create_parser(self, protocol_name: str) -> JSONParser:
        if protocol_name != "json":
            raise ValueError(protocol_name)
        return PlainParser()


class PlainConnection(Connection):
    """A connection whose client speaks so."""

    @property
    def client(self) -> Any:  # noqa: ANN401
        before, client = self._client, super().client
        if client is not before:
            client.__dict__["_serializer"] = (
                PlainSerializer()
            )  # botocore takes a parser from outside, but no serializer
        return client

    def dispatch(self, operation_name: str, operation_kwargs: dict[str, Any]) -> dict[str, Any]:
        """Without pynamodb's signals, which nobody here listens to and which mint a UUID for each request."""
        answer: dict[str, Any] = self._make_api_call(operation_name, operation_kwargs)
        return answer


def _bytes_as_text(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return b64encode(value).decode("ascii")
    raise TypeError(f"{type(value).__name__} is not of DynamoDB's form")


def _text_as_bytes(value: dict[str, Any]) -> dict[str, Any]:
    """A map's own member named B holds a value in DynamoDB's form, so a dict; text there is a binary value."""
    if len(value) == 1:
        if isinstance(text := value.get("B"), str):
            return {"B": b64decode(text)}
        if "BS" in value and isinstance(value["BS"], list):
            return {"BS": [b64decode(each) for each in value["BS"]]}
    return value


_ENCODER = json.JSONEncoder(default=_bytes_as_text, separators=(",", ":"), ensure_ascii=False, check_circular=False)
_DECODER = json.JSONDecoder(object_hook=_text_as_bytes)


__all__ = ["PlainConnection", "PlainParser", "PlainParsers", "PlainSerializer"]

"""`python -m infra.cel_import --id NAME --outcome hold 'amount_minor >= 500000 && !device_known'`: CEL as a rule.

Google's C++ CEL parses and type-checks the text against our declared signals; what it hands back (a CheckedExpr in
protocol buffers) is turned into our typed JSON, and `compile_rule` has the last word. It is a tool of developers: a
wheel of 14 MB has no place in a Lambda package, and the platform takes rules in its own grammar only.

A named list is the variable `list_<name>`, a duration is `duration("168h")`. There is no `matches`, no macro over
lists and no division: write a share as `amount_minor * 10000 >= limit_minor * 9000`.
Source: https://github.com/cel-expr/cel-spec (proto/cel/expr/syntax.proto, checked.proto); the protobuf wire format.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from functions.risk.rules import Kind, SignalSchema, compile_rule
from functions.risk.ruling.outcomes import Outcome
from functions.risk.signal_table import SCHEMA, SYNC_SCHEMA

LIST_VARIABLE: Final = "list_"
_COMPARE: Final = {"_==_": "eq", "_!=_": "ne", "_<_": "lt", "_<=_": "le", "_>_": "gt", "_>=_": "ge"}
_JOIN: Final = {"_&&_": "all", "_||_": "any", "_+_": "add", "_*_": "mul"}
_UNITS: Final = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
_CEL_UNITS: Final = {"h": 3_600, "m": 60, "s": 1}


class NotImportableError(Exception):
    """The text is no CEL over our signals, or says something that our rules can't."""


def import_condition(text: str, schema: SignalSchema) -> Any:  # noqa: ANN401  any JSON value
    """A CEL condition as the `when` of a rule.

    Args:
        text: CEL.
        schema: The signals and named lists that it may use.

    Raises:
        NotImportableError: See there.
    """
    from cel_expr_python import cel  # type: ignore[import-untyped]

    types = {
        Kind.INTEGER: cel.Type.INT,
        Kind.MONEY: cel.Type.INT,
        Kind.DURATION: cel.Type.DURATION,
        Kind.STRING: cel.Type.STRING,
        Kind.BOOLEAN: cel.Type.BOOL,
        Kind.STRINGS: cel.Type.List(cel.Type.STRING),
        Kind.INTEGERS: cel.Type.List(cel.Type.INT),
    }
    variables = {name: types[schema.value_kind(name)] for name in schema}
    variables |= {f"{LIST_VARIABLE}{name}": types[kind] for name, kind in schema.lists.items()}
    try:
        checked = cel.NewEnv(variables=variables).compile(text)
    except Exception as error:  # noqa: BLE001  the library raises its own types, which it does not export
        raise NotImportableError(str(error)) from None
    if checked.return_type() != cel.Type.BOOL:
        raise NotImportableError("the expression is no condition")
    return _Reader(schema).read(_expression(checked.serialize()))


def import_rule(text: str, **members: Any) -> dict[str, Any]:  # noqa: ANN401  members of a rule
    """A whole rule from a CEL condition.

    Args:
        text: CEL.
        **members: The rule's other members: `id`, and `outcome` or `actions` with `pass`.

    Raises:
        NotImportableError: See there.
        InvalidRule: It is CEL, but units do not fit, or it is too large.
    """
    schema = SCHEMA if members.get("pass") == "stream" else SYNC_SCHEMA
    source = {**members, "when": import_condition(text, schema)}
    compile_rule(source, schema)
    return source


def _expression(raw: bytes) -> bytes:
    """The root expression: Any{1: type, 2: CheckedExpr{4: Expr}}."""
    return bytes(_message(_message(raw)[2][-1])[4][-1])


def _message(raw: bytes) -> dict[int, list[Any]]:
    """Fields of a message in the protobuf wire format, by number: integers and bytes."""
    fields: dict[int, list[Any]] = {}
    data = iter(raw)
    for byte in data:
        tag = _varint(data, byte)
        if tag & 7 == 0:
            value: Any = _varint(data, next(data))
        elif tag & 7 == 2:
            value = bytes(next(data) for _ in range(_varint(data, next(data))))
        else:
            raise NotImportableError("numbers are integers: money in minor units, shares in basis points")
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def _varint(data: Iterator[int], byte: int) -> int:
    value, shift = byte & 127, 7
    while byte & 128:
        byte = next(data)
        value |= (byte & 127) << shift
        shift += 7
    return value


class _Reader:
    """From CEL's tree to ours."""

    def __init__(self, schema: SignalSchema) -> None:
        self._schema = schema
        self._calls: Mapping[str, Callable[[list[bytes]], Any]] = {
            "!_": lambda args: {"not": self.read(args[0])},
            "_-_": lambda args: {"sub": [self.read(arg) for arg in args]},
            "@in": self._member,
            "size": lambda args: {"count": self.read(args[0])},
            "duration": self._duration,
        }

    def read(self, raw: bytes) -> Any:  # noqa: ANN401  any JSON value
        """An expression: constant 3, identifier 4, call 6, list 7 (cel.expr.Expr)."""
        fields = _message(raw)
        if 3 in fields:
            return self._constant(_message(fields[3][-1]))
        if 4 in fields:
            return self._identifier(_message(fields[4][-1])[1][-1].decode())
        if 6 in fields:
            return self._call(_message(fields[6][-1]))
        if 7 in fields:
            return [self.read(element) for element in _message(fields[7][-1]).get(1, [])]
        raise NotImportableError("members, messages and macros have no counterpart in our rules")

    def _constant(self, fields: dict[int, list[Any]]) -> Any:  # noqa: ANN401
        """Bool 2, int64 3, string 6 (cel.expr.Constant)."""
        if 2 in fields:
            return bool(fields[2][-1])
        if 3 in fields:
            value: int = fields[3][-1]
            return value - 2**64 if value >= 2**63 else value
        if 6 in fields:
            return fields[6][-1].decode()
        raise NotImportableError("constants are integers, strings and booleans")

    def _identifier(self, name: str) -> dict[str, str]:
        if name in self._schema.flat:
            return {"signal": name}
        return {"list": name.removeprefix(LIST_VARIABLE)}

    def _call(self, fields: dict[int, list[Any]]) -> Any:  # noqa: ANN401
        """Target 1, function 2, arguments 3 (cel.expr.Expr.Call)."""
        function, args = fields[2][-1].decode(), [*fields.get(1, []), *fields.get(3, [])]
        if function in _JOIN:
            return {_JOIN[function]: self._flat(function, args)}
        if function in _COMPARE:
            return {_COMPARE[function]: [self.read(arg) for arg in args]}
        if function not in self._calls:
            raise NotImportableError(f"{function} has no counterpart in our rules")
        return self._calls[function](args)

    def _flat(self, function: str, args: list[bytes]) -> list[Any]:
        """A && b && c as one list, which is what it means and keeps the depth low."""
        out: list[Any] = []
        for arg in args:
            read, operator = self.read(arg), _JOIN[function]
            nested = isinstance(read, dict) and list(read) == [operator]
            out += read[operator] if nested else [read]
        return out

    def _member(self, args: list[bytes]) -> dict[str, list[Any]]:
        """X in constants or a named list; or a constant in a signal that is a list."""
        thing, among = (self.read(arg) for arg in args)
        if isinstance(among, dict) and "signal" in among:
            return {"contains": [among, thing]}
        return {"in": [thing, among]}

    def _duration(self, args: list[bytes]) -> dict[str, str]:
        text, seconds, digits = str(self.read(args[0])), 0, ""
        for character in text:
            if character.isdigit():
                digits += character
            elif digits and character in _CEL_UNITS:
                seconds, digits = seconds + int(digits) * _CEL_UNITS[character], ""
            else:
                raise NotImportableError(f"a duration is hours, minutes and seconds, not {text}")
        unit, worth = next((unit, worth) for unit, worth in _UNITS if seconds % worth == 0)
        return {"duration": f"{seconds // worth}{unit}"}


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m infra.cel_import", description="CEL text as a rule of ours.")
    parser.add_argument("--id", required=True, help="name of the rule")
    parser.add_argument("--outcome", choices=[o.text for o in Outcome], help="of a synchronous rule")
    parser.add_argument("--action", action="append", help="of a stream rule; may be repeated")
    parser.add_argument("--title", default="")
    parser.add_argument("expression")
    asked = parser.parse_args(arguments)
    members: dict[str, Any] = {"id": asked.id, **({"title": asked.title} if asked.title else {})}
    if asked.action:
        members |= {"pass": "stream", "actions": [{"kind": kind} for kind in asked.action]}
    else:
        members |= {"outcome": asked.outcome or Outcome.HOLD.text}
    try:
        print(json.dumps(import_rule(asked.expression, **members), indent=2, ensure_ascii=False))
    except Exception as error:  # noqa: BLE001  whatever is wrong, the user reads it
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Requests that the OpenAPI document allows, and ones that it does not; what must hold of every answer.

for operation in operations():                   # schemathesis' view of each path and method
    case = operation.as_strategy().example()     # in tests: drawn by hypothesis
    judge(case, answer)                          # no 500, a declared status, a body of the declared schema
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import httpx
import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from infra.openapi import document

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
_KIND = {"merchantKey": "merchant", "customerToken": "customer", "staffToken": "staff"}
_GATEWAY = frozenset({405})


@lru_cache(maxsize=1)
def operations() -> dict[str, Any]:
    """Operation by its id."""
    schema = schemathesis.openapi.from_dict(document())
    found = [each.ok() for each in schema.get_all_operations()]
    return {each.definition.raw["operationId"]: each for each in found}


def kind_of(operation: Any) -> str:
    """Whose credential an operation needs: "merchant", "customer", "staff" or "public"."""
    needed = operation.definition.raw.get("security") or [{}]
    return next((_KIND[name] for each in needed for name in each), "public")


def cases(operation: Any, known: Mapping[str, list[str]]) -> st.SearchStrategy[Any]:
    """Right and wrong requests; half of those with a path variable name something that is there.

    Args:
        operation: Of `operations`.
        known: Noun of a path ("captures") → ids that exist.
    """
    nouns = [noun for noun, _ in re.findall(r"/([a-z-]+)/{(\w+)}", operation.path)]
    names = re.findall(r"{(\w+)}", operation.path)
    strategy = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))

    @st.composite
    def draw_case(draw: st.DrawFn) -> Any:
        case = draw(strategy)
        for noun, name in zip(nouns, names, strict=True):
            if known.get(noun) and draw(st.booleans()):
                case.path_parameters[name] = draw(st.sampled_from(known[noun]))
        return case

    return draw_case()


def judge(case: Any, answer: httpx.Response) -> None:
    """Refuse an answer that the document does not announce."""
    assert answer.status_code < 500 or answer.status_code == 503, answer.text
    if answer.status_code in _GATEWAY:
        return  # a method that no operation has
    case.validate_response(answer, checks=CHECKS)

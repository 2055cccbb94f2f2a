"""`python -m infra.guide [--check]`: the parts of docs/integration.md that the code decides, written from the code.

State diagrams from the state tables, errors from the error types, events and versions from their registries. Each part
stands between two marks; what is around them is written by hand. A test fails when a part is stale.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import functions
from functions.core.errors import WhitenoteError
from functions.payments.authorization import FINAL, TRANSITIONS
from functions.payments.disputes import dispute
from functions.platform.bus.registry import EVENT_TYPES, MERCHANT
from functions.platform.web.context import CURRENT_VERSION
from functions.platform.web.versions import OLDER
from infra.gateway import ANSWERS
from infra.manifest import ROOT

FILE: Final = ROOT / "docs" / "integration.md"
_ACTIONS: Final = {
    "approve": "review or confirmation", "decline": "declined", "capture_part": "capture",
    "capture_rest": "last capture", "expire": "expiry", "ask": "evidence asked", "answer": "evidence",
    "accept": "you accept", "win": "decided for you", "lose": "decided against you",
}  # fmt: skip


def errors() -> str:
    """Every code that an answer may carry."""
    for module in pkgutil.walk_packages(functions.__path__, "functions."):
        importlib.import_module(module.name)
    found = {(each.code, each.status, each.title) for each in _kinds(WhitenoteError)}
    known = {code for code, _, _ in found}
    found |= {(each.code, each.status, each.title) for each in ANSWERS if each.code not in known}
    says: dict[tuple[int, str], list[str]] = {}
    for code, status, title in sorted(found):
        says.setdefault((status, code), []).append(title)
    rows = [f"| `{code}` | {status} | {'; or: '.join(titles)} |" for (status, code), titles in sorted(says.items())]
    return "\n".join(["| `code` | Status | Says |", "| --- | --- | --- |", *rows])


def _kinds(kind: type[WhitenoteError]) -> Iterable[type[WhitenoteError]]:
    yield kind
    for each in kind.__subclasses__():
        if each.__module__.startswith("functions."):  # a test may have declared one of its own
            yield from _kinds(each)


def _diagram(begin: Iterable[str], table: Mapping[str, Mapping[Any, Any]], final: Iterable[str]) -> str:
    """A state table as a Mermaid diagram; what leaves a state as it is is left out."""
    moves: dict[tuple[str, str], list[str]] = {}
    for action, steps in table.items():
        for before, after in steps.items():
            if before != after:
                words = moves.setdefault((str(before), str(after)), [])
                words.append(_ACTIONS.get(action, action))
    lines = [f"    [*] --> {state}" for state in begin]
    lines += [f"    {before} --> {after}: {', '.join(words)}" for (before, after), words in moves.items()]
    lines += [f"    {state} --> [*]" for state in sorted(final)]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


def authorization() -> str:
    """The authorization's states."""
    begin = ("approved", "held", "declined", "awaiting_confirmation")
    return _diagram(begin, TRANSITIONS, [str(state) for state in FINAL])


def disputes() -> str:
    """The dispute's states."""
    final = [str(state) for state in dispute.State if state not in dispute.OPEN]
    return _diagram(("opened",), dispute.TRANSITIONS, final)


def events() -> str:
    """Every event that a merchant may hear of."""
    objects: dict[str, list[str]] = {}
    for name, kind in sorted(EVENT_TYPES.items()):
        if kind.audience == MERCHANT:
            noun, _, what = name.partition(".")
            objects.setdefault(noun, []).append(what)
    rows = [f"| `{noun}` | {', '.join(f'`{what}`' for what in whats)} |" for noun, whats in objects.items()]
    return "\n".join(["| Of | Types |", "| --- | --- |", *rows])


def versions() -> str:
    """What each older version does otherwise."""
    rows = [f"| `{date}` | {change.says} |" for date, changes in OLDER.items() for change in changes]
    return "\n".join(
        ["| Version | Otherwise than the next |", "| --- | --- |", f"| `{CURRENT_VERSION}` | today's |", *rows]
    )


PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "authorization": authorization,
    "disputes": disputes,
    "errors": errors,
    "events": events,
    "versions": versions,
}


def render(text: str) -> str:
    """The guide with every part written anew.

    Raises:
        LookupError: A mark is missing.
    """
    for name, part in PARTS.items():
        begin, end = f"<!-- from the code: {name} -->\n", "<!-- end -->"
        if begin not in text:
            raise LookupError(f"{FILE.name} has no place for {name}")
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}{part()}\n{end}{after}"
    return text


def main() -> None:
    """Write the parts, or check that they are fresh."""
    parser = argparse.ArgumentParser(description="Write the generated parts of docs/integration.md.")
    parser.add_argument("--check", action="store_true", help="fail if one is stale")
    given = parser.parse_args()
    before = FILE.read_text(encoding="utf-8")
    after = render(before)
    if given.check:
        sys.exit(0 if before == after else "docs/integration.md is stale: run `make openapi`")
    FILE.write_text(after, encoding="utf-8")


if __name__ == "__main__":
    main()

"""The little Markdown that our cards are written in, as HTML: headings, paragraphs, lists, tables, pictures."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

_INLINE = (
    (re.compile(r"`([^`]+)`"), r"<code>\1</code>"),
    (re.compile(r"\*\*([^*]+)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"\*([^*]+)\*"), r"<em>\1</em>"),
)
_PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")
_RULE = re.compile(r"^[|\s:-]+$")


def _words(text: str) -> str:
    out = html.escape(text)
    for pattern, mark in _INLINE:
        out = pattern.sub(mark, out)
    return out


def _table(lines: list[str]) -> str:
    rows = [[cell.strip() for cell in line.strip().strip("|").split(" | ")] for line in lines if not _RULE.match(line)]
    head, *body = rows
    cells = "".join(f"<th>{_words(cell)}</th>" for cell in head)
    rest = "".join("<tr>" + "".join(f"<td>{_words(cell)}</td>" for cell in row) + "</tr>" for row in body)
    return f"<table><tr>{cells}</tr>{rest}</table>"


def _list(lines: list[str]) -> str:
    items: list[str] = []
    for line in lines:
        if line.startswith("- "):
            items.append(line[2:])
        else:
            items[-1] += f" {line.strip()}"
    return "<ul>" + "".join(f"<li>{_words(item)}</li>" for item in items) + "</ul>"


def _block(lines: list[str], picture: Callable[[str], str]) -> str:
    first = lines[0]
    if first.startswith("#"):
        level = len(first) - len(first.lstrip("#"))
        return f"<h{level}>{_words(first.lstrip('# '))}</h{level}>"
    if first.startswith("|"):
        return _table(lines)
    if first.startswith("- "):
        return _list(lines)
    if _PICTURE.match(first):
        shown = [_PICTURE.match(line) for line in lines]
        return "".join(
            f"<figure><img src='{picture(found[2])}' alt='{html.escape(found[1], quote=True)}'></figure>"
            for found in shown
            if found
        )
    return f"<p>{_words(' '.join(lines))}</p>"


def to_html(text: str, picture: Callable[[str], str]) -> str:
    """A card as HTML.

    Args:
        text: Markdown as `card.py` and `card_text.py` write it.
        picture: The address to show for a picture's file name.
    """
    blocks: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.strip():
            blocks[-1].append(line)
        elif blocks[-1]:
            blocks.append([])
    return "\n".join(_block(lines, picture) for lines in blocks if lines)

"""The reference as bytes, made once per container from the checked-in openapi.yaml, which its package carries."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from functions.pages.reference.contents import contents_of

_HERE: Final = Path(__file__).parent
_CODE: Final = re.compile(r"`([^`]+)`")
_DOCUMENT: Final = _HERE.parents[2] / "openapi.yaml"


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The OpenAPI document."""
    import yaml

    found: dict[str, Any] = yaml.load(_DOCUMENT.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return found


@lru_cache(maxsize=1)
def as_json() -> str:
    """The document as JSON."""
    return json.dumps(document(), separators=(",", ":"), ensure_ascii=False)


@lru_cache(maxsize=1)
def as_page() -> str:
    """The document as a page: no script, nothing from elsewhere."""
    return page_of(document())


def page_of(described: Mapping[str, Any]) -> str:
    """An OpenAPI document as a page; what it says is text, and code where it stands between backticks."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup, escape

    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["marked"] = lambda text: Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704
    return environment.get_template("reference.html").render(contents=contents_of(described))


@lru_cache(maxsize=1)
def style() -> str:
    """The page's style sheet."""
    return (_HERE / "reference.css").read_text(encoding="utf-8")

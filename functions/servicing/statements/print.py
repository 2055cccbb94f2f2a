"""A sheet as a file: HTML by Jinja2, PDF by ReportLab.

The PDF names a font that readers have for Chinese (Adobe's STSong-Light) instead of carrying one, so that no font file
ships with the code; digits and Latin letters are in it too.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from functions.servicing.statements.sheet import TEXTS, Sheet

if TYPE_CHECKING:
    from reportlab.platypus import Flowable

HTML, PDF = "html", "pdf"
_FONT: Final = "STSong-Light"
_AMOUNTS_FROM: Final = 3
_GREY: Final = "#bbbbbb"


def as_html(sheet: Sheet) -> bytes:
    """The sheet as a page that needs nothing else: no script, no picture, no font."""
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(TEXTS), undefined=StrictUndefined, autoescape=True
    )
    return environment.get_template("sheet.html").render(sheet=sheet).encode()


def as_pdf(sheet: Sheet) -> bytes:
    """The sheet as a PDF of A4 pages; the same sheet is the same bytes."""
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.platypus import SimpleDocTemplate

    if _FONT not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(UnicodeCIDFont(_FONT))
    out = io.BytesIO()
    SimpleDocTemplate(
        out,
        pagesize=A4,
        title=f"{sheet.title}: {sheet.subtitle}",
        author=sheet.product,
        lang=sheet.language,
        invariant=1,
    ).build(_story(sheet))
    return out.getvalue()


def _story(sheet: Sheet) -> list[Flowable]:
    from xml.sax.saxutils import escape

    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph, Spacer

    def text(words: str, size: int = 10, *, align: int = 0) -> Flowable:
        style = ParagraphStyle("s", fontName=_FONT, fontSize=size, leading=size * 1.5, wordWrap="CJK", alignment=align)
        return Paragraph(escape(words), style)

    facts = _table([[text(label), text(value, 11)] for label, value in sheet.facts], (190, 260))
    head = [text(column, 9, align=2 * (place >= _AMOUNTS_FROM)) for place, column in enumerate(sheet.columns)]
    body = [[text(cell, 9, align=2 * (place >= _AMOUNTS_FROM)) for place, cell in enumerate(row)] for row in sheet.rows]
    table = [_table([head, *body], (95, 30, 95, 65, 55, 55, 65), repeat=1)] if body else []
    return [
        text(sheet.product),
        text(sheet.title, 20),
        text(sheet.subtitle),
        Spacer(0, 12),
        facts,
        Spacer(0, 12),
        text(sheet.heading, 13),
        *table,
        Spacer(0, 12),
        *[text(note, 9) for note in sheet.notes],
    ]


def _table(rows: list[list[Any]], widths: tuple[int, ...], repeat: int = 0) -> Flowable:
    from reportlab.platypus import Table, TableStyle

    style = TableStyle([("LINEBELOW", (0, 0), (-1, -1), 0.5, _GREY), ("VALIGN", (0, 0), (-1, -1), "TOP")])
    return Table(rows, colWidths=widths, style=style, repeatRows=repeat, hAlign="LEFT")


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file.

    Args:
        content_type: As stored.
        make: From a sheet to its bytes.
    """

    content_type: str
    make: Callable[[Sheet], bytes]


FORMATS: Final[Mapping[str, Format]] = {
    HTML: Format("text/html; charset=utf-8", as_html),
    PDF: Format("application/pdf", as_pdf),
}

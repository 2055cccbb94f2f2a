"""A statement as a file: in the customer's words, readable by a link, with every figure of the statement."""

from __future__ import annotations

import io
import re
from datetime import date

import pytest
from pypdf import PdfReader

from functions.core.money import format_money
from functions.servicing.statements.print import as_html, as_pdf
from functions.servicing.statements.sheet import Sheet, sheet_of
from tests.builders.bills import cut
from tests.builders.platform import DOCUMENTS, Platform
from tests.builders.shop import Shop, a_shop

STATEMENT = {
    "currency": "CNY", "cut_on": "2026-02-15", "previous_cut_on": "2026-01-15", "next_cut_on": "2026-03-15",
    "due_on": "2026-02-15", "bill_minor": 127_200, "paid_minor": 5, "due_minor": 21_227, "past_due_minor": 10_627,
    "late_minor": 27, "minimum_minor": 21_227, "limit_minor": 500_000, "credit_balance_minor": 0, "apr_bps": 1090,
    "plans": [{"plan_id": "plan_1", "product_id": "cny_12", "installments": [
        {"number": 1, "due_on": "2026-02-10", "principal_minor": 10_000, "fee_minor": 600, "late_minor": 27,
         "total_minor": 10_627},
        {"number": 2, "due_on": "2026-03-10", "principal_minor": 10_000, "fee_minor": 600, "late_minor": 0,
         "total_minor": 10_600}]}],
}  # fmt: skip


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def a_sheet(language: str, **changes: object) -> Sheet:
    return sheet_of({**STATEMENT, **changes}, language=language, name="Mei <b>", merchants={"plan_1": "Corner & Co"})


def text_of(pdf: bytes) -> str:
    return re.sub(r"\s+", "", "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_figure_of_the_sheet_stands_in_the_pdf(language: str) -> None:
    sheet = a_sheet(language)
    text = text_of(as_pdf(sheet))
    words = [value for fact in sheet.facts for value in fact] + [cell for row in sheet.rows for cell in row]
    missing = [word for word in (*words, *sheet.notes) if re.sub(r"\s+", "", word) not in text]
    assert missing == []


def test_the_annual_rate_stands_before_any_amount() -> None:
    assert a_sheet("en").facts[0] == ("All-in annual rate", "10.90 %")
    assert a_sheet("zh").facts[0] == ("综合年化利率", "10.90 %")


def test_the_same_sheet_is_the_same_bytes_and_carries_no_font() -> None:
    pdf = as_pdf(a_sheet("zh"))
    assert pdf == as_pdf(a_sheet("zh"))
    assert b"/FontFile" not in pdf
    assert len(pdf) < 20_000


def test_a_long_statement_goes_on_on_the_next_page_under_its_columns() -> None:
    [plan] = STATEMENT["plans"]
    many = [{**plan, "installments": plan["installments"] * 40}]
    pages = PdfReader(io.BytesIO(as_pdf(a_sheet("en", plans=many)))).pages
    assert len(pages) > 1
    assert all("Principal" in page.extract_text() for page in pages[:-1])


def test_html_shows_names_as_they_are_and_runs_nothing() -> None:
    page = as_html(a_sheet("en")).decode()
    assert "Mei &lt;b&gt;" in page
    assert "Corner &amp; Co" in page
    assert "<script" not in page
    assert format_money(10_627, "CNY", "en") in page


def test_a_statement_without_anything_due_says_so() -> None:
    sheet = a_sheet(
        "en", plans=[], due_minor=0, past_due_minor=0, late_minor=0, minimum_minor=0, due_on=None, apr_bps=None
    )
    assert sheet.notes[0] == "Nothing falls due before March 15, 2026."
    assert ("Pay by", "nothing") in sheet.facts
    assert text_of(as_pdf(sheet))


@pytest.mark.parametrize(("wanted", "start"), [("pdf", b"%PDF-"), ("html", b"<!doctype html>")])
def test_the_link_reads_the_customers_own_statement(shop: Shop, wanted: str, start: bytes) -> None:
    shop.buy(120_000, term=6)
    cut(shop)
    [made] = shop.mine("statements")["data"]
    reply = shop.mine(f"statements/{made['id']}/document?format={wanted}&language=en")
    assert (reply.status, reply["format"], reply["language"]) == (200, wanted, "en")
    key = f"statements/{made['id']}/en.{wanted}"
    stored = shop.platform.client("s3").get_object(Bucket=DOCUMENTS, Key=key)
    content = stored["Body"].read()
    assert content.startswith(start)
    assert stored["ContentType"] == reply["content_type"]
    assert key in reply["url"]
    if wanted == "html":
        assert date.fromisoformat(made["cut_on"]).strftime("%B") in content.decode()
        assert "Corner Electronics" in content.decode() or not any(plan["installments"] for plan in made["plans"])


def test_a_format_that_is_not_there_is_refused_and_anothers_statement_is_not_found(shop: Shop) -> None:
    shop.buy(120_000, term=6)
    cut(shop)
    [made] = shop.mine("statements")["data"]
    assert shop.mine(f"statements/{made['id']}/document?format=docx").status == 422
    other = shop.platform.customer_token("cus_00000000000000000000000001")
    assert shop.api.get(f"/v1/me/statements/{made['id']}/document", token=other).status == 404


def test_what_a_health_order_was_bought_for_is_not_printed(shop: Shop) -> None:
    authorization = shop.authorize(120_000, category="health", term=6)
    assert shop.capture(authorization["id"], 120_000).status == 201
    shop.settle()
    cut(shop)
    cut(shop)
    made = shop.mine("statements")["data"][0]
    assert made["due_minor"] > 0
    reply = shop.mine(f"statements/{made['id']}/document?format=html")
    assert reply.status == 200
    stored = shop.platform.client("s3").get_object(
        Bucket=DOCUMENTS, Key=f"statements/{made['id']}/{reply['language']}.html"
    )
    assert "Corner Electronics" not in stored["Body"].read().decode()

"""Print a statement: made anew each time it is asked for, put where a link of a few minutes reads it, gone in a day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from functions.core.clock import isoformat
from functions.core.errors import FieldError, InvalidError, UnavailableError
from functions.customers.service import contact_of
from functions.lending.plans.service import read_plans
from functions.platform.container import Container, container
from functions.platform.web.context import Call
from functions.servicing.reminder_service import shown_merchant
from functions.servicing.statements.present import present_statement
from functions.servicing.statements.print import FORMATS, PDF, Format
from functions.servicing.statements.service import own_statement
from functions.servicing.statements.sheet import sheet_of

LINK_LIFE: Final = timedelta(minutes=5)
"""Wall time."""


def print_statement(name: str, call: Call) -> dict[str, Any]:
    """A link to a statement as a file.

    Args:
        name: The customer's own statement.
        call: Its `format` is "pdf" or "html", its `language` a BCP 47 tag; the customer's own if absent.

    Raises:
        NotFoundError: Not there, another customer's, or the customer was erased.
        InvalidError: No such format.
        UnavailableError: The file could not be stored.
    """
    box = container()
    wanted = call.query.get("format", PDF)
    if wanted not in FORMATS:
        raise InvalidError("format is pdf or html", errors=(FieldError("format", "unknown", "pdf or html"),))
    item = own_statement(name, call)
    person, shown = contact_of(call.who.id), present_statement(item)
    plans = read_plans([plan["plan_id"] for plan in shown["plans"] if plan["installments"]][:100])
    sheet = sheet_of(
        shown,
        language=call.query.get("language") or person.language,
        name=person.name,
        merchants={plan.pk: shown_merchant(plan) for plan in plans},
    )
    form = FORMATS[wanted]
    key = f"statements/{item.pk}/{sheet.language}.{wanted}"
    return {
        "object": "statement_document",
        "statement_id": item.pk,
        "format": wanted,
        "content_type": form.content_type,
        "language": sheet.language,
        "url": _stored(box, key, form, form.make(sheet)),
        "expires_at": isoformat(box.clock.wall() + LINK_LIFE),
    }


def _stored(box: Container, key: str, form: Format, content: bytes) -> str:
    from botocore.exceptions import BotoCoreError, ClientError

    place = {"Bucket": box.settings.document_bucket, "Key": key}
    try:
        box.client("s3").put_object(**place, Body=content, ContentType=form.content_type, CacheControl="no-store")
        url: str = box.client("s3").generate_presigned_url(
            "get_object", Params=place, ExpiresIn=int(LINK_LIFE.total_seconds())
        )
    except (BotoCoreError, ClientError) as error:
        raise UnavailableError("the document could not be stored", retry_after_s=2) from error
    return url

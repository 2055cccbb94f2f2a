"""What passkeys tell, and the notice that their owner gets of it: who did not add one wants to know at once."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from functions.core.errors import NotFoundError
from functions.customers.passkeys.store import PasskeyItem
from functions.customers.service import contact_of
from functions.messaging.message import EMAIL, SMS, Letter, Route, Subject, Suppress, Verdict
from functions.messaging.service import AlreadyRequestedError, deliver, id_of, request_message
from functions.platform.container import container
from functions.platform.storage.outbox import Rendered, Told
from functions.platform.storage.table import RawItem
from functions.platform.storage.transactions import commit

TOPIC: Final = "passkey_notice"


def render(told: Told, image: RawItem) -> Rendered | None:
    """The payload of a passkey event: which one, and never its key."""
    item = PasskeyItem.from_raw_data(dict(image))
    return Rendered(item.passkey_id, {"passkey_id": item.passkey_id, **told.note}, customer_id=item.pk)


def on_event(event: Mapping[str, Any]) -> None:
    """Tell the owner that a passkey was added or removed, once however often the event comes.

    Args:
        event: Our envelope of a `passkey.*` event.
    """
    about, customer_id, step = event["object_id"], event["customer_id"], f"{event['type']}.{event['sequence']}"
    asked = request_message(TOPIC, customer_id, about, step=step, at=container().clock.now())
    with suppress(AlreadyRequestedError):
        commit(container().tables, asked)
    deliver(id_of(TOPIC, about, step=step), resolve)


def resolve(subject: Subject) -> Verdict:
    """The notice, to every address of the owner in turn.

    Raises:
        UnavailableError: The key service does not answer.
    """
    try:
        contact = contact_of(subject.customer_id)
    except NotFoundError:
        return Suppress("unknown_customer")
    routes = [Route(SMS, contact.phone)]
    if contact.email:
        routes.append(Route(EMAIL, contact.email))
    template = "passkey_added" if subject.step.startswith("passkey.added") else "passkey_removed"
    return Letter(template, contact.language, {"url": f"{container().settings.public_url}/me"}, tuple(routes))

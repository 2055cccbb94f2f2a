"""Use cases of named lists: put someone on one, take them off, read who stands there and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from functions.core.clock import epoch_ms, from_epoch_ms, isoformat
from functions.core.errors import ConflictError, FieldError, InvalidError, NotFoundError, UnavailableError
from functions.core.ids import decode
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending, Rendered, Told
from functions.platform.storage.table import RawItem
from functions.platform.storage.transactions import ConditionFailedError, commit
from functions.platform.web.commands import is_replay, remember
from functions.platform.web.context import Call
from functions.platform.web.pagination import page, page_limit, seal, unseal
from functions.risk.counters import hash64
from functions.risk.named_lists.lists import MAX_ENTRIES, SUBJECTS, ListFullError
from functions.risk.named_lists.store import EntryItem, ListItem, plan_entry, plan_list, read_list, read_lists
from functions.risk.rule_life.live import forget, keep_shipped
from functions.risk.rule_life.store import plan_head, read_head

ON, OFF = "on", "off"
MAX_HISTORY: Final = 50
_TRIES: Final = 6
_PREFIX: Final = {"customer": "cus_", "merchant": "mer_"}
_HEX: Final = 16


class NotOnListError(ConflictError):
    code, title = "not_on_list", "It does not stand on this list"


class EndInPastError(InvalidError):
    code, title = "end_in_past", "An entry can't end before now"


def member_of(name: str, value: str) -> str:
    """What stands for a value in its list: 16 hexadecimal digits.

    Args:
        name: Of the list.
        value: An id for customers and merchants; for devices, addresses and instruments the hash that evidence shows.

    Raises:
        NotFoundError: No such list.
        InvalidError: Not a value of this list.
    """
    if name not in SUBJECTS:
        raise NotFoundError
    prefix = _PREFIX.get(SUBJECTS[name])
    try:
        if prefix is None:
            if len(value) != _HEX or value != f"{int(value, 16):016x}":
                raise ValueError
            return value
        if not value.startswith(prefix):
            raise ValueError
        decode(value.removeprefix(prefix))
    except ValueError:
        expected = f"an id that begins with {prefix}" if prefix else "16 hexadecimal digits, as evidence shows them"
        raise InvalidError("no value of this list", errors=(FieldError("/value", "invalid", expected),)) from None
    return f"{hash64(value):016x}"


def present(item: EntryItem, now: datetime) -> dict[str, Any]:
    """An entry as staff see it."""
    expired = bool(item.until_s) and item.until_s <= int(now.timestamp())
    return {
        "object": "risk_list_entry",
        "list_id": item.pk.partition("#")[2],
        "value": item.value,
        "status": "expired" if item.on == ON and expired else item.on,
        "version": item.version,
        "reason": item.reason,
        "by": item.by,
        "until": isoformat(from_epoch_ms(item.until_s * 1000)) if item.until_s else None,
        "changed_at": isoformat(from_epoch_ms(item.changed_at_ms)),
        "history": item.history,
    }


@dataclass(frozen=True, slots=True)
class Change:
    """What shall become of a value on a list.

    Args:
        list: Name of the list.
        value: As staff give it.
        reason: Why.
        until_s: Until when it stands there (0: for ever); None takes it off.
    """

    list: str
    value: str
    reason: str
    until_s: int | None

    @property
    def what(self) -> str:
        """For history and event."""
        return "removed" if self.until_s is None else "added"


def add(name: str, value: str, reason: str, until: datetime | None, call: Call) -> tuple[dict[str, Any], bool]:
    """Put someone or something on a list, or change why or until when it stands there.

    Raises:
        NotFoundError, InvalidError: See `member_of`.
        EndInPastError: `until` has passed.
        ListFullError: The list holds as many as a person can have looked at.
    """
    now = container().clock.now()
    if until is not None and until <= now:
        raise EndInPastError(f"it is {isoformat(now)}")
    return _change(Change(name, value, reason, int(until.timestamp()) if until else 0), call)


def remove(name: str, value: str, reason: str, call: Call) -> tuple[dict[str, Any], bool]:
    """Take it off a list; the entry stays, with who took it off and why.

    Raises:
        NotFoundError, InvalidError: See `member_of`.
        NotOnListError: It does not stand there.
    """
    return _change(Change(name, value, reason, None), call)


def _change(asked: Change, call: Call) -> tuple[dict[str, Any], bool]:
    box, command, member = container(), call.command(), member_of(asked.list, asked.value)
    keep_shipped()
    for _ in range(_TRIES):
        now = box.clock.now()
        item: EntryItem | None = box.tables.get(EntryItem, keys.risk_list(asked.list), member, consistent=True)
        item = item or _new(asked, member)
        if is_replay(item.commands, command):
            return present(item, now), True
        if asked.until_s is None and item.on != ON:
            raise NotOnListError
        item.on, item.until_s = (OFF, 0) if asked.until_s is None else (ON, asked.until_s)
        item.reason, item.by, item.changed_at_ms = asked.reason, call.who.id, epoch_ms(now)
        entry = {"at": isoformat(now), "what": asked.what, "by": call.who.id, "reason": asked.reason}
        item.history = [*item.history, entry][-MAX_HISTORY:]
        item.commands = remember(item.commands, command)
        try:
            _commit(item, asked, now, call.request_id)
        except ConditionFailedError:
            continue
        forget()
        return present(item, now), False
    raise UnavailableError("the list is busy", retry_after_s=1)


def _new(asked: Change, member: str) -> EntryItem:
    return EntryItem(pk=keys.risk_list(asked.list), sk=member, version=0, value=asked.value, on=OFF, history=[])


def _commit(item: EntryItem, asked: Change, now: datetime, request_id: str) -> None:
    """Entry, list and head in one transaction: nobody stands on a list without a reason, or for longer than it says."""
    tables = container().tables
    listed, head = read_list(tables, asked.list), read_head(tables, consistent=True)
    if head is None:
        raise UnavailableError("no rules have been published yet", retry_after_s=1)
    listed.keep(_after(listed, item.sk, asked.until_s, now))
    head.lists = {**head.lists, asked.list: listed.version + 1}
    entry = plan_entry(item, ConditionFailedError)
    item.tell(now, request_id, Pending("risk_list.changed", {"what": asked.what}))
    commit(tables, entry, plan_list(listed, ConditionFailedError), plan_head(head, ConditionFailedError))


def _after(listed: ListItem, member: str, until_s: int | None, now: datetime) -> dict[str, int]:
    """The list with the change; entries that ended long ago leave it."""
    now_s = int(now.timestamp())
    members = {value: until for value, until in listed.until().items() if not until or until > now_s}
    members.pop(member, None)
    if until_s is not None:
        members[member] = until_s
    if len(members) > MAX_ENTRIES:
        raise ListFullError(f"a list has at most {MAX_ENTRIES} entries")
    return members


def summaries() -> list[dict[str, Any]]:
    """Every list with what it is of and how many stand on it."""
    now_s = int(container().clock.now().timestamp())
    found = read_lists(container().tables, list(SUBJECTS))
    return [
        {
            "id": name,
            "object": "risk_list",
            "of": subject,
            "entries": sum(not until or until > now_s for until in found[name].values()),
        }
        for name, subject in SUBJECTS.items()
    ]


def entries(name: str, call: Call) -> dict[str, Any]:
    """A page of a list's entries, those taken off too.

    Raises:
        NotFoundError: No such list.
    """
    if name not in SUBJECTS:
        raise NotFoundError
    box, pk = container(), keys.risk_list(name)
    secret, now = box.secrets.key("cursors"), box.clock.now()
    items, last = box.tables.query(
        EntryItem, pk, limit=page_limit(call.query), start=unseal(secret, pk, call.query.get("cursor"))
    )
    return page(items, seal(secret, pk, last), lambda item: present(item, now))


def render(told: Told, image: RawItem) -> Rendered | None:
    """The payload of a list event; staff alone hear of it."""
    item = EntryItem.from_raw_data(dict(image))
    shown = present(item, container().clock.now())
    return Rendered(object_id=f"{shown['list_id']}#{item.sk}", data={"entry": shown, **told.note})

"""The books over HTTP, for staff: accounts, entries, trial balance, months, proofs, checkpoints, the public key."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint, Response

from functions.core.errors import FieldError, InvalidError
from functions.core.ids import require_id
from functions.ledger import service
from functions.ledger.log import service as log_service
from functions.ledger.periods import Period
from functions.ledger.schemas import (
    AccountView,
    CheckpointView,
    ClosePeriodRequest,
    EntryView,
    PeriodView,
    ProofView,
    PublicKeyView,
    TrialBalanceView,
)
from functions.platform.authorizer import judge
from functions.platform.container import container
from functions.platform.storage.table import RawItem
from functions.platform.web.http import created, ok, staff, this_call
from functions.platform.web.operation import PAGING, Page, Query, speaks
from functions.platform.web.pagination import page, page_limit, seal, unseal

blueprint = Blueprint(__name__)

READERS = ("finance", "operator", "support")
_MAX_DIGITS = 15
_LEAVES = {"type": "integer", "minimum": 0}
_PROOF_QUERY = (
    Query("entry_id", "Prove that this entry is in the log.", {"type": "string"}),
    Query("size", "As of this size.", _LEAVES),
    Query("old_size", "Prove that the log only grew since it had this size.", _LEAVES),
    Query("new_size", "Up to this size.", _LEAVES),
)


@blueprint.route("/v1/ledger/accounts", methods=["GET"], authorizer=judge)
@staff(*READERS, reads=True)
@speaks(Page[AccountView], query=(Query("owner", "A customer.", {"type": "string"}),))
def list_accounts() -> Response:
    """The chart of accounts with balances; `?owner=cus_…` gives that customer's instead."""
    owner = this_call().query.get("owner")
    if owner is None:
        return ok({"data": service.chart(), "next_cursor": None})
    return ok({"data": service.owned_accounts(require_id("cus", owner)), "next_cursor": None})


@blueprint.route("/v1/ledger/entries", methods=["GET"], authorizer=judge)
@staff(*READERS, reads=True)
@speaks(Page[EntryView], query=(*PAGING, Query("owner", "A customer or merchant.", {"type": "string"})))
def list_entries() -> Response:
    """Entries in the order of the log, newest first; `?owner=` gives one customer's or merchant's own."""
    query = this_call().query
    limit, owner = page_limit(query), query.get("owner")
    if owner is None:
        start = _cursor("ledger-entries")
        rows, going_on = service.list_entries(limit, int(start["i"]["N"]) if start else None)
        return _page("ledger-entries", rows, None if going_on is None else {"i": {"N": str(going_on)}})
    scope = f"ledger-entries-{owner}"
    return _page(scope, *service.list_owned(_owner(owner), limit, _cursor(scope)))


@blueprint.route("/v1/ledger/entries/{id}", methods=["GET"], authorizer=judge)
@staff(*READERS, reads=True)
@speaks(EntryView)
def get_entry(id: str) -> Response:  # noqa: A002  the path's one variable name
    """Read an entry with its place in the log."""
    return ok(service.read_entry(id))


@blueprint.route("/v1/ledger/trial-balance", methods=["GET"], authorizer=judge)
@staff(*READERS, reads=True)
@speaks(TrialBalanceView)
def get_trial_balance() -> Response:
    """Debits and credits of every account; their difference is zero at every instant."""
    return ok(service.trial_balance())


@blueprint.route("/v1/ledger/periods", methods=["GET"], authorizer=judge)
@staff(*READERS, reads=True)
@speaks(Page[PeriodView], query=PAGING)
def list_periods() -> Response:
    """Closed months, newest first."""
    limit, start = page_limit(this_call().query), _cursor("ledger-periods")
    return _page("ledger-periods", *service.list_periods(limit, start))


@blueprint.route("/v1/ledger/periods/{id}/close", methods=["POST"], authorizer=judge)
@staff("finance")
@speaks(PeriodView, status=201, body=ClosePeriodRequest)
def close_period(id: str) -> Response:  # noqa: A002
    """Close a month and set aside the allowance for its exposures."""
    call = this_call()
    body = ClosePeriodRequest.parse(call)
    period, replayed = service.close_period(Period.parse(id), body.by_currency(), body.reason, call)
    return created(period, replayed=replayed)


@blueprint.route("/v1/ledger/proofs", methods=["GET"], authorizer=judge)
@staff(*READERS, reads=True)
@speaks(ProofView, query=_PROOF_QUERY)
def get_proof() -> Response:
    """`?entry_id=` proves inclusion (at `&size=`); `?old_size=` proves consistency (up to `&new_size=`)."""
    query = this_call().query
    if "entry_id" in query:
        return ok(log_service.prove_inclusion(query["entry_id"], _number("size")))
    old_size = _number("old_size")
    if old_size is None:
        raise InvalidError(
            "entry_id or old_size says what to prove", errors=(FieldError("entry_id", "required", "or old_size"),)
        )
    return ok(log_service.prove_consistency(old_size, _number("new_size")))


@blueprint.route("/v1/ledger/checkpoints", methods=["GET"], authorizer=judge)
@staff(*READERS, reads=True)
@speaks(Page[CheckpointView], query=PAGING)
def list_checkpoints() -> Response:
    """Signed checkpoints, newest first."""
    limit, start = page_limit(this_call().query), _cursor("ledger-checkpoints")
    return _page("ledger-checkpoints", *log_service.list_checkpoints(limit, start))


@blueprint.route("/v1/ledger/public-key", methods=["GET"], authorizer=judge)
@staff(*READERS, reads=True)
@speaks(PublicKeyView)
def get_public_key() -> Response:
    """The key that verifies checkpoints offline."""
    return ok(log_service.published_key())


def _number(name: str) -> int | None:
    text = this_call().query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise InvalidError(f"{name} is a number of leaves", errors=(FieldError(name, "not_an_integer", "0 or more"),))
    return int(text)


def _owner(text: str) -> str:
    return require_id("mer" if text.startswith("mer_") else "cus", text)


def _cursor(scope: str) -> RawItem | None:
    return unseal(container().secrets.key("cursors"), scope, this_call().query.get("cursor"))


def _page(scope: str, rows: list[dict[str, Any]], going_on: RawItem | None) -> Response:
    return ok(page(rows, seal(container().secrets.key("cursors"), scope, going_on), dict))

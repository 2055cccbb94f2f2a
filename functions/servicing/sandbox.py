"""The sandbox's payment rail: collects at once from everybody, except where a magic value says otherwise.

Its callbacks are signed with a key that docs/sandbox.md prints, so that anybody may try them out: no money moves here.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final

from pynamodb.attributes import JSONAttribute
from pynamodb.expressions.operand import Path

from functions.core.errors import UnauthorizedError
from functions.core.ids import derived_id
from functions.customers import magic
from functions.customers.service import get_customer
from functions.platform.storage import keys
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import ConditionFailedError, Put, WriteSet, commit
from functions.platform.web.context import Call
from functions.servicing.ports import Collection, Disbursement, RailStatus, RailTimeoutError, RailWord
from functions.servicing.schemas import RailCallback

if TYPE_CHECKING:
    from functions.platform.container import Container

SIGNING_KEY: Final = b"sandbox-rail-key"
TOLERANCE: Final = timedelta(minutes=5)
INSUFFICIENT_FUNDS: Final = "insufficient_funds"
CLOSED_ACCOUNT: Final = "account_closed"
INSTRUMENTS: Final[Mapping[str, RailStatus]] = MappingProxyType(
    {"sandbox_fails": RailStatus.FAILED, "sandbox_delays": RailStatus.PENDING}
)
"""Names of instruments that decide what happens, whoever pays."""

FAILS_THEN_SUCCEEDS, TIMES_OUT, SAYS_IT_TWICE, CLOSED = (f"62000000000000{number:02d}" for number in range(3, 7))
ACCOUNTS: Final[Mapping[str, RailStatus]] = MappingProxyType(
    {
        "6200000000000001": RailStatus.CONFIRMED,
        "6200000000000002": RailStatus.FAILED,
        CLOSED: RailStatus.FAILED,
        SAYS_IT_TWICE: RailStatus.PENDING,
    }
)
"""Account numbers that decide what happens, whoever has them."""
WORD_KIND: Final = "rail_word"
"""On the sweep queue: what the rail says later, as if it had called."""

_REMEMBERED: Final = 50
_TRIES: Final = 5
_CACHED: Final = 10_000


class SandboxTriesItem(Item):
    """The references of a customer whose first try fails, in order; those before them are only counted."""

    before = IntegerAttribute(attr_name="n", default=0)
    references = JSONAttribute(attr_name="rf", default=list)


@dataclass(frozen=True)
class SandboxPaymentRail:
    """Deterministic: the same reference has the same answer, with the same provider reference."""

    box: Container
    sandbox: ClassVar[bool] = True
    _magic: dict[str, str | None] = field(default_factory=dict, compare=False, repr=False)

    def collect(self, asked: Collection) -> RailWord:
        """See `PaymentRail.collect`."""
        said = self._word(asked, self._status(asked), asked.memo)
        if asked.account == SAYS_IT_TWICE:
            self._call_back(said)
        return said

    def pay_out(self, asked: Disbursement) -> RailWord:
        """See `PaymentRail.pay_out`."""
        said = self._word(asked, self._of_account(asked, asked.account) or RailStatus.CONFIRMED, "")
        if asked.account == SAYS_IT_TWICE:
            self._call_back(said)
        return said

    def _word(self, asked: Collection | Disbursement, status: RailStatus, memo: str) -> RailWord:
        code = CLOSED_ACCOUNT if asked.account == CLOSED else INSUFFICIENT_FUNDS
        return RailWord(
            reference=asked.reference,
            provider_reference=derived_id("pay", self.box.secrets.key("ids"), asked.reference),
            status=status,
            amount_minor=asked.amount_minor,
            currency=asked.currency,
            failure_code=code if status is RailStatus.FAILED else None,
            memo=memo,
        )

    def _call_back(self, said: RailWord) -> None:
        """Confirm later, and twice."""
        body = {"kind": WORD_KIND, **asdict(replace(said, status=RailStatus.CONFIRMED))}
        self.box.queue(self.box.settings.sweep_queue_url).send([body, body])

    def read_callback(self, call: Call, now: datetime) -> RailWord:
        """See `PaymentRail.read_callback`."""
        stamp, signature = call.headers.get("rail-timestamp", ""), call.headers.get("rail-signature", "")
        if not (stamp.isascii() and stamp.isdigit()) or not signature.isascii():
            raise UnauthorizedError
        if not hmac.compare_digest(signature, sign_callback(call.raw, stamp)):
            raise UnauthorizedError
        if abs(now.timestamp() - int(stamp)) > TOLERANCE.total_seconds():
            raise UnauthorizedError("the callback was signed too long ago")
        body = RailCallback.parse(call)
        return RailWord(
            reference=body.reference,
            provider_reference=body.provider_reference,
            status=RailStatus(body.status),
            amount_minor=body.amount_minor,
            currency=body.currency,
            failure_code=body.failure_code,
            memo=body.memo,
        )

    def _status(self, asked: Collection) -> RailStatus:
        chosen = INSTRUMENTS.get(asked.instrument or "")
        if chosen is not None:
            return chosen
        of_account = self._of_account(asked, asked.account)
        if of_account is not None:
            return of_account
        meaning = self._meaning(asked.customer_id)
        fails = meaning == magic.REPAYMENT_FAILS
        if meaning == magic.REPAYMENT_FAILS_THEN_SUCCEEDS:
            fails = self._earlier_tries(asked.reference, asked.customer_id)[0] % 2 == 0
        return RailStatus.FAILED if fails else RailStatus.CONFIRMED

    def _of_account(self, asked: Collection | Disbursement, account: str | None) -> RailStatus | None:
        """What an account number decides.

        Raises:
            RailTimeoutError: It takes the money and does not say so: the same reference again is answered.
        """
        if account == FAILS_THEN_SUCCEEDS:
            earlier, _ = self._earlier_tries(asked.reference, f"{asked.customer_id}#fails")
            return RailStatus.CONFIRMED if earlier % 2 else RailStatus.FAILED
        if account == TIMES_OUT:
            _, is_new = self._earlier_tries(asked.reference, f"{asked.customer_id}#late")
            if is_new:
                raise RailTimeoutError(retry_after_s=1)
            return RailStatus.CONFIRMED
        return ACCOUNTS.get(account or "")

    def _meaning(self, customer_id: str) -> str | None:
        """A customer's magic never changes."""
        if customer_id not in self._magic:
            if len(self._magic) >= _CACHED:
                self._magic.clear()
            self._magic[customer_id] = get_customer(customer_id).magic
        return self._magic[customer_id]

    def _earlier_tries(self, reference: str, owner: str) -> tuple[int, bool]:
        """How many other collections were asked for before this one, which is remembered, and whether it is new."""
        pk = keys.sandbox_rail(owner)
        for _ in range(_TRIES):
            item = self.box.tables.get(SandboxTriesItem, pk, consistent=True) or SandboxTriesItem(pk=pk, references=[])
            known = list(item.references)
            if reference in known:
                return int(item.before) + known.index(reference), False
            count = item.before + len(known)
            dropped = max(0, len(known) + 1 - _REMEMBERED)
            unchanged = Path("rf") == item.serialize()["rf"]["S"] if known else Path("pk").does_not_exist()
            item.before, item.references = item.before + dropped, [*known, reference][dropped:]
            try:
                commit(self.box.tables, WriteSet.of(Put(item, unchanged)))
            except ConditionFailedError:
                continue
            return int(count), True
        raise RailTimeoutError(retry_after_s=1)


def sign_callback(raw: bytes, stamp: str) -> str:
    """HMAC-SHA256 in hex over timestamp, a point, and the body.

    Args:
        raw: Body bytes.
        stamp: Seconds since 1970, as in the header `Rail-Timestamp`.
    """
    return hmac.digest(SIGNING_KEY, stamp.encode() + b"." + raw, hashlib.sha256).hex()

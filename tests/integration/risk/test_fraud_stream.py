"""The fraud model's inputs as the platform stores them, against those it was trained on, order by order."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np

from functions.core.ids import id_bytes, id_text
from functions.payments.authorization import Status
from functions.payments.store import AuthorizationItem, status_code
from functions.platform.bus.stream import records_of
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.transactions import Put, WriteSet, commit
from functions.risk.casework.labels import LabelItem, plan_label
from functions.risk.counters import DAY_S, hash64
from functions.risk.counting.observing import countable
from functions.risk.counting.store import TerminalItem
from functions.risk.counting.terminals import whole_history
from functions.risk.fraud.features import ScoredOrder, TerminalHistory, fraud_features
from functions.risk.intake import Heard, take_in
from functions.risk.profile import RiskProfile
from functions.risk.store import ProfileItem
from model_artifacts.training.fraud.replay import FIRST_DAY_S, USUAL_MINOR, matrix
from model_artifacts.training.fraud.simulator import Town, simulate
from tests.builders.memory import MemoryTables
from tests.builders.platform import Platform

STREAMED = 1_000
LABEL_S = 7 * DAY_S


def merchant_of(terminal: int) -> str:
    return id_text("mer", terminal.to_bytes(16, "big"))


def an_authorization(n: int, at_s: int, customer: int, terminal: int, amount: int) -> AuthorizationItem:
    return AuthorizationItem(
        pk=id_text("auth", n.to_bytes(16, "big")), version=1, merchant=id_bytes(merchant_of(terminal)),
        customer=customer.to_bytes(16, "big"), alias=customer + 1, reference="r", attempt=1,
        status=status_code(Status.APPROVED), amount=amount, currency="CNY", product="p", product_version=1, grade="C",
        category="electronics", channel="online", created_at_ms=at_s * 1000, expires_at_ms=at_s * 1000,
        key=b"k" * 8, body=b"b" * 8, content=b"c" * 8,
    )  # fmt: skip


@dataclass
class Stream:
    """Hands records over in batches, as late as can be: before anything they touch is read again."""

    records: list[dict[str, Any]] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)
    number: int = 0

    def add(self, image: dict[str, Any], *touches: str) -> None:
        self.number += 1
        body = {"SequenceNumber": str(self.number), "NewImage": image}
        self.records.append({"eventID": f"e{self.number}", "eventName": "INSERT", "dynamodb": body})
        self.touched.update(touches)

    def before_reading(self, *names: str) -> None:
        if self.touched.intersection(names) or len(self.records) >= 40:
            twice = [*self.records, *self.records[::2]]  # delivery is at least once
            take_in([Heard(r.event_id, counts=countable(r)) for r in records_of({"Records": twice})])
            self.records, self.touched = [], set()


def served(at_s: int, customer: int, terminal: int, amount: int) -> tuple[float, ...]:
    """The inputs as an authorization has them: two items of one read."""
    subject = hash64(merchant_of(terminal))
    profile, first = container().tables.batch_get(
        [(ProfileItem, keys.profile(customer + 1), keys.SELF), (TerminalItem, keys.terminal(subject), keys.SELF)]
    )
    known = profile.profile() if isinstance(profile, ProfileItem) else RiskProfile()
    history = whole_history(subject, first if isinstance(first, TerminalItem) else None)
    return fraud_features(ScoredOrder(amount, at_s, USUAL_MINOR), known, history)


def preload(past: list[tuple[int, int, int, int, bool]]) -> list[tuple[int, int, int]]:
    """Profiles and terminals as the orders before left them; the labels that are still to come."""
    profiles: dict[int, RiskProfile] = {}
    terminals: dict[int, TerminalHistory] = {}
    waiting: list[tuple[int, int, int]] = []
    end = past[-1][0]
    for n, (at_s, customer, terminal, amount, fraud) in enumerate(past):
        own = profiles.get(customer, RiskProfile())
        profiles[customer] = own.with_purchase(
            amount, at_s, channel="online", merchants=(hash64(merchant_of(terminal)),)
        )
        there = terminals.get(terminal, TerminalHistory()).with_order(at_s)
        if fraud and at_s + LABEL_S <= end:
            there = there.with_frauds(at_s)
        elif fraud:
            waiting.append((at_s, n, terminal))
            commit(container().tables, WriteSet.of(Put(an_authorization(n, at_s, customer, terminal, amount))))
        terminals[terminal] = there
    items = [ProfileItem(pk=keys.profile(c + 1), packed=p.pack(), version=1) for c, p in profiles.items()] + [
        TerminalItem(pk=keys.terminal(hash64(merchant_of(t))), packed=h.pack(), version=1) for t, h in terminals.items()
    ]
    for start in range(0, len(items), 100):
        commit(container().tables, WriteSet.of(*(Put(item) for item in items[start : start + 100])))
    return waiting


def label_image(n: int, at_s: int) -> dict[str, Any]:
    item: AuthorizationItem = container().tables.get(AuthorizationItem, id_text("auth", n.to_bytes(16, "big")))
    known_at = datetime.fromtimestamp(at_s + LABEL_S, UTC)
    [beside, _] = plan_label(item, fraud=True, source="case", by=item.pk, known_at=known_at).operations
    assert isinstance(beside, Put)
    assert isinstance(beside.item, LabelItem)
    image: dict[str, Any] = beside.item.serialize()
    return image


def test_a_thousand_orders_through_the_stream_give_the_inputs_that_training_saw(platform: Platform) -> None:
    platform.box.tables = MemoryTables()
    rows = simulate(Town(customers=40, terminals=130, days=52, radius=14.0))
    first = len(rows) - STREAMED
    trained = matrix(rows, np.arange(first, len(rows)))
    columns = (FIRST_DAY_S + rows.at_s, rows.customer, rows.terminal, rows.amount_minor, rows.fraud)
    orders = list(zip(*(column.tolist() for column in columns), strict=True))
    waiting, stream, got = preload(orders[:first]), Stream(), []
    for n, (at_s, customer, terminal, amount, fraud) in enumerate(orders[first:], first):
        while waiting and waiting[0][0] + LABEL_S <= at_s:
            ordered, order, spot = waiting.pop(0)
            stream.before_reading(f"a{order}")
            stream.add(label_image(order, ordered), f"t{spot}")
        stream.before_reading(f"c{customer}", f"t{terminal}")
        got.append(served(at_s, customer, terminal, amount))
        item = an_authorization(n, at_s, customer, terminal, amount)
        stream.add(item.serialize(), f"c{customer}", f"t{terminal}")
        if fraud:
            commit(platform.tables, WriteSet.of(Put(item)))
            waiting.append((at_s, n, terminal))
    assert np.array_equal(np.array(got), trained)
    assert trained[:, 7].max() > 0  # terminal_frauds_30d: labels did arrive

"""A new order is taken in once, by a mark in its customer's profile or by a note, at whatever pace orders come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from functions.core.ids import id_text
from functions.risk.store import MOST_MARKS, SEEN_LIFE_S, ProfileItem

COMES_AGAIN_S = 24 * 3600
"""For so long a stream keeps a record."""


class Model:
    """One customer's profile as it is stored, the notes beside it, and how often each order was counted."""

    def __init__(self) -> None:
        self.stored = ProfileItem(pk="risk#1", version=0).serialize()
        self.notes: dict[str, int] = {}
        self.counted: dict[str, int] = {}

    def deliver(self, order: str, wall_s: int) -> None:
        self.notes = {each: at for each, at in self.notes.items() if wall_s - at < SEEN_LIFE_S}
        item = ProfileItem.from_raw_data(self.stored)
        if item.has_taken_in(order):
            return
        if not item.take_in(order, wall_s):
            if order in self.notes:
                return  # its transaction is refused as a whole
            self.notes[order] = wall_s
        self.stored = item.serialize()
        self.counted[order] = self.counted.get(order, 0) + 1
        assert len(item.marks or b"") <= MOST_MARKS * 20


Pace = st.lists(st.tuples(st.integers(1, 45), st.integers(0, 30 * 3600)), min_size=1, max_size=6)


@given(Pace, st.randoms(use_true_random=False))
def test_every_order_counts_once_whenever_its_record_comes_again(pace, random) -> None:
    model, wall_s, made = Model(), 1_700_000_000, list[tuple[str, int]]()
    for burst, pause_s in pace:
        for _ in range(burst):
            order = id_text("auth", len(made).to_bytes(16, "big"))
            made.append((order, wall_s))
            model.deliver(order, wall_s)
        wall_s += pause_s
        may_come = [order for order, at in made if wall_s - at <= COMES_AGAIN_S]
        for order in random.sample(may_come, min(len(may_come), 20)):
            model.deliver(order, wall_s)
    assert model.counted == {order: 1 for order, _ in made}

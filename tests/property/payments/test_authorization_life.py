"""Whatever happens to an authorization, in whatever order: the money adds up and no state goes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from functions.core.errors import WhitenoteError
from functions.payments import authorization as rules
from functions.payments.authorization import FINAL, Authorization, Status

_ORDER = {
    Status.HELD: 0,
    Status.AWAITING_DOWN_PAYMENT: 0,
    Status.APPROVED: 1,
    Status.PARTIALLY_CAPTURED: 2,
    Status.CAPTURED: 3,
    Status.VOIDED: 3,
    Status.EXPIRED: 3,
    Status.DECLINED: 3,
}


class Life(RuleBasedStateMachine):
    """One authorization and the line behind it; the model is three sums."""

    @initialize(amount=st.integers(1, 10**9), held=st.booleans())
    def born(self, amount: int, held: bool) -> None:
        self.now = datetime(2026, 11, 22, 8, tzinfo=UTC)
        self.auth = Authorization(
            id="auth_1", status=Status.HELD if held else Status.APPROVED, version=1, amount_minor=amount,
            captured_minor=0, released_minor=0, captures=0, created_at=self.now,
            expires_at=self.now + timedelta(days=7),
        )  # fmt: skip
        self.line_held, self.debt, self.given_back, self.seen = amount, 0, 0, self.auth

    def _take(self, after: Authorization, captured: int = 0, released: int = 0) -> None:
        assert after.version == self.auth.version + 1
        assert _ORDER[after.status] >= _ORDER[self.auth.status]
        assert self.auth.status not in FINAL
        self.auth = after
        self.line_held -= captured + released
        self.debt += captured
        self.given_back += released

    @rule(share=st.integers(1, 100), final=st.booleans())
    def capture(self, share: int, final: bool) -> None:
        wanted = max(1, self.auth.amount_minor * share // 100)
        try:
            done = rules.capture(self.auth, wanted, final=final, now=self.now)
        except WhitenoteError as refused:
            assert refused.status in {409, 422}
            return
        assert self.auth.suspension is None
        assert self.now < self.auth.expires_at
        self._take(done.authorization, done.captured_minor, done.released_minor)

    @rule(which=st.sampled_from(["void", "expire", "decline"]))
    def end(self, which: str) -> None:
        try:
            done = {
                "void": lambda: rules.void(self.auth, reason="merchant"),
                "expire": lambda: rules.expire(self.auth, self.now),
                "decline": lambda: rules.decline_held(self.auth, "risk"),
            }[which]()
        except WhitenoteError:
            return
        self._take(done.authorization, released=done.released_minor)

    @rule(which=st.sampled_from(["extend", "suspend", "resume", "approve"]))
    def change(self, which: str) -> None:
        try:
            after = {
                "extend": lambda: rules.extend(self.auth, timedelta(days=7), timedelta(days=23), self.now),
                "suspend": lambda: rules.suspend(self.auth, "case_1", self.now + timedelta(days=3), self.now),
                "resume": lambda: rules.resume(self.auth, self.now),
                "approve": lambda: rules.approve_held(self.auth, self.now),
            }[which]()
        except WhitenoteError:
            return
        assert after.expires_at >= self.auth.expires_at
        self._take(after)

    @rule()
    def look(self) -> None:
        warned = rules.warn(self.auth, self.now)
        if warned is not None:
            assert not self.auth.warned
            assert self.now < self.auth.expires_at
            self._take(warned)

    @rule(hours=st.integers(0, 100))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @invariant()
    def money_adds_up(self) -> None:
        if not hasattr(self, "auth"):
            return
        auth = self.auth
        assert self.line_held == auth.remaining_minor
        assert auth.amount_minor == self.debt + self.given_back + self.line_held
        assert (auth.captured_minor, auth.released_minor) == (self.debt, self.given_back)
        assert min(self.line_held, self.debt, self.given_back) >= 0
        if auth.status in FINAL:
            assert auth.remaining_minor == 0
            assert auth.suspension is None


TestLife = Life.TestCase

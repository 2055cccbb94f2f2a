"""Shops, people, and what happens between them, through the API alone; `ground` is where it all runs."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.builders.api import Reply
from tests.builders.authenticator import Authenticator
from tests.simulation.ground import Ground

_numbers = itertools.count(1)
WANTED_LIMIT_MINOR = 4_000_000
RAISED_BY_MINOR = 200_000
MIDNIGHT = 16
"""Where the shops are, in Shanghai, by UTC."""
_SHOP = {
    "max_amount_minor": {"CNY": 10_000_000},
    "categories": ["electronics", "appliances", "education", "travel", "health"],
}


@dataclass
class Person:
    """A customer with a line.

    Args:
        limit_minor: As it was given.
        phone: With her passkey, once she has one.
    """

    id: str
    limit_minor: int
    phone: Authenticator | None = None


@dataclass
class World:
    """Everyone and everything that a play has to do with."""

    ground: Ground
    shops: list[tuple[str, str]] = field(default_factory=list)
    people: dict[str, Person] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.api = self.ground.api
        self.began = self.ground.now.replace(hour=MIDNIGHT, minute=0, second=0, microsecond=0) + timedelta(days=1)

    @property
    def now(self) -> datetime:
        return self.ground.now

    def open_shops(self, count: int) -> None:
        """So many merchants, all live; their ids and keys."""
        operator = self.ground.staff_token("operator")
        for number in range(count):
            made = self.api.post("/v1/merchants", {"name": f"Shop {number}", **_SHOP}, token=operator)
            assert made.status == 201, made.body
            live = {"status": "live", "reason": "checked"}
            assert self.api.post(f"/v1/merchants/{made['id']}/status", live, token=operator).status == 200
            self.shops.append((made["id"], made["api_key"]["secret"]))

    def person(self, name: str) -> Person:
        """Someone by name; signed up and assessed at the first mention, all with the same good finances."""
        if name in self.people:
            return self.people[name]
        who = self.ground.sign_up()
        application = self.api.post(
            "/v1/credit-applications",
            {"currency": "CNY", "requested_limit_minor": WANTED_LIMIT_MINOR, "income_minor": 1_500_000,
             "expenses_minor": 300_000, "assets_minor": 20_000_000, "debts_minor": 0, "housing": "owner",
             "job": "fixed", "seniority_years": 12},
            token=self.ground.customer_token(who),
        )  # fmt: skip
        assert application["status"] == "approved", application.body
        self.people[name] = Person(who, application["limit_minor"])
        return self.people[name]

    def go_to(self, at: timedelta) -> None:
        """Let time pass up to a moment of the play, in whole seconds: the books take none finer than milliseconds."""
        self.wait(max(timedelta(), self.began + timedelta(seconds=at // timedelta(seconds=1)) - self.now))

    def wait(self, time_passes: timedelta) -> None:
        self.ground.wait(time_passes)

    def deliver(self) -> None:
        """Run the stream's consumers and projections on all that happened."""
        self.ground.deliver()

    def sweep(self) -> None:
        """What the action-hour sweep does with everything that is due."""
        self.ground.sweep()

    def token(self, name: str) -> str:
        return self.ground.customer_token(self.person(name).id)

    def line(self, name: str) -> dict[str, Any]:
        body: dict[str, Any] = self.api.get("/v1/me/credit-line", token=self.token(name)).body
        return body

    def share(self, name: str, percent: int, *, whole: int = 1) -> int:
        """A part of what someone's line has available, cut to whole multiples; minor units."""
        return int(self.line(name)["available_minor"]) * percent // 100 // whole * whole

    def authorize(
        self, name: str, shop: int, amount_minor: int, *, category: str = "electronics", channel: str = "online",
        term: int = 3, pay: dict[str, Any] | None = None, ship: str = "",
    ) -> Reply:  # fmt: skip
        """Quote, the customer's word, authorization.

        Args:
            name: Of the customer.
            shop: Number of the shop.
            amount_minor: Of the order.
            category: Scenario.
            channel: "online" or "in_store".
            term: Installments.
            pay: What the customer tells with the pay token: device, instrument, place.
            ship: Name of the address; "" for none.
        """
        merchant, key = self.shops[shop]
        order = {"amount_minor": amount_minor, "currency": "CNY", "category": category, "channel": channel}
        quoted = self.api.post("/v1/quotes", order, token=key)
        assert quoted.status == 200, quoted.body
        offer = next(o for o in quoted["offers"] if o["term_count"] == term)
        word = {"merchant_id": merchant, "purpose": "pay", "quote": offer["quote"], **(pay or {})}
        said = self.api.post("/v1/me/merchant-tokens", word, token=self.token(name))
        assert said.status == 201, said.body
        body = {
            "quote": offer["quote"],
            "customer_token": said["customer_token"],
            "reference": f"sim-{next(_numbers)}-{self.began:%y%m%d}",
            **({"shipping_address": _address(ship)} if ship else {}),
        }
        return self.api.post("/v1/authorizations", body, token=key)

    def confirm(self, name: str, checkout_id: str, term: int) -> str | None:
        """The customer confirms with her passkey what she was asked to; the order's id, None where it is refused."""
        token, path = self.token(name), f"/v1/checkouts/{checkout_id}/confirm"
        offers = self.api.get(f"/v1/me/checkouts/{checkout_id}/offers", token=token)
        assert offers.status == 200, offers.body
        quote = next(offer["quote"] for offer in offers["offers"] if offer["term_count"] == term)
        phone = self._phone(name, token)
        shown = self.api.post(f"{path}/begin", {"quote": quote, "method": "passkey"}, token=token, key=None)
        assert shown.status == 200, shown.body
        signed = phone.sign(shown["proof"]["options"])
        body = {"quote": quote, "agreement_hash": shown["agreement"]["hash"], "assertion": signed}
        reply = self.api.post(path, body, token=token)
        return str(reply["authorization_id"]) if reply.status in {200, 201} else None

    def _phone(self, name: str, token: str) -> Authenticator:
        person = self.person(name)
        if person.phone is None:
            person.phone = Authenticator()
            started = self.api.post("/v1/passkeys/register/begin", {}, token=token, key=None)
            body = {"state": started["state"], "credential": person.phone.register(started["options"])}
            assert self.api.post("/v1/passkeys/register/finish", body, token=token, key=None).status == 201
        return person.phone

    def is_open(self, shop: int) -> bool:
        """Whether a shop may still sell."""
        token = self.ground.staff_token("operator")
        return bool(self.api.get(f"/v1/merchants/{self.shops[shop][0]}", token=token)["status"] == "live")

    def buy(self, name: str, shop: int, amount_minor: int, **how: Any) -> str:
        """As `authorize`; the order's id, whatever the answer is."""
        self.person(name)
        reply = self.authorize(name, shop, amount_minor, **how)
        assert reply.status == 201, reply.body
        return str(reply["id"])

    def status(self, shop: int, authorization_id: str) -> dict[str, Any]:
        body: dict[str, Any] = self.api.get(f"/v1/authorizations/{authorization_id}", token=self.shops[shop][1]).body
        return body

    def capture(self, shop: int, authorization_id: str, amount_minor: int) -> Reply:
        path = f"/v1/authorizations/{authorization_id}/captures"
        return self.api.post(path, {"amount_minor": amount_minor, "final": True}, token=self.shops[shop][1])

    def refund(self, shop: int, capture_id: str, amount_minor: int, instrument: str = "") -> Reply:
        path = f"/v1/captures/{capture_id}/refunds"
        told = {"instrument": instrument} if instrument else {}
        return self.api.post(path, {"amount_minor": amount_minor, **told}, token=self.shops[shop][1])

    def pay_off(self, name: str, plan_id: str) -> Reply:
        """Close a plan early."""
        return self.api.post(f"/v1/me/plans/{plan_id}/payoff", {}, token=self.token(name))

    def raise_limit(self, name: str) -> None:
        """Staff set a higher limit."""
        person, line = self.person(name), self.line(name)
        asked = {"currency": "CNY", "limit_minor": line["limit_minor"] + RAISED_BY_MINOR, "reason": "good customer"}
        path = f"/v1/customers/{person.id}/credit-line/adjust"
        reply = self.api.post(path, asked, token=self.ground.staff_token("reviewer"))
        assert reply.status == 200, reply.body
        assert self.line(name)["limit_minor"] == asked["limit_minor"]

    def put_on_list(self, name: str, value: str) -> None:
        """Staff put a customer or merchant on a named list."""
        path, body = f"/v1/risk-lists/{name}/add", {"value": value, "reason": "seen before"}
        reply = self.api.post(path, body, token=self.ground.staff_token("risk_admin"))
        assert reply.status in {200, 201}, reply.body

    def decision(self, authorization_id: str) -> dict[str, Any]:
        """What the rules said of an order, and why."""
        shown = self.api.get(f"/v1/risk-decisions/{authorization_id}", token=self.ground.staff_token("reviewer"))
        assert shown.status == 200, shown.body
        body: dict[str, Any] = shown.body
        return body

    def case(self, case_id: str) -> dict[str, Any]:
        body: dict[str, Any] = self.api.get(f"/v1/reviews/{case_id}", token=self.ground.staff_token("reviewer")).body
        return body

    def open_cases(self) -> list[dict[str, Any]]:
        """The most urgent cases that wait for a person."""
        token = self.ground.staff_token("reviewer")
        data: list[dict[str, Any]] = self.api.get("/v1/reviews?limit=100", token=token)["data"]
        return data

    def decide(self, case: dict[str, Any], *, fraud: bool) -> None:
        """One person decides a case, or two where two are needed."""
        verb, outcome = ("decline", "confirmed_fraud") if fraud else ("approve", "cleared")
        path, second = f"/v1/reviews/{case['id']}", bool(case["second_person_needed"])
        if second:
            asked, token = {"decision": verb, "outcome": outcome}, self.ground.staff_token("reviewer")
            proposed = self.api.post(f"{path}/propose", asked, token=token)
            assert proposed.status == 200, proposed.body
        token = self.ground.staff_token("reviewer", second)
        reply = self.api.post(f"{path}/{verb}", {"outcome": outcome}, token=token)
        assert reply.status == 200, reply.body


def _address(name: str) -> dict[str, str]:
    return {"name": "A Customer", "line1": name, "city": "Shanghai", "postal_code": "200000", "country": "CN"}

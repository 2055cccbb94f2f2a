"""The story itself: each step does something a user does, prints its figures, and checks what must always hold."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import boto3
import httpx

from functions.core.clock import isoformat, parse_instant
from functions.core.money import to_decimal
from functions.platform.storage import keys
from infra.demo.applicants import CURRENCY, Applicant
from infra.platform_local import REGION
from infra.seed import Seeder

_PATIENCE_S: Final = 30.0
_PARALLEL: Final = 2
RUSH: Final = 9
"""Orders in a row that the velocity rule must find suspicious."""


class BrokenInvariantError(AssertionError):
    """Something that must always hold did not."""


@dataclass
class Step:
    """One step, as the report shows it."""

    title: str
    figures: dict[str, Any]
    checks: list[str]
    took_s: float


@dataclass
class Story:
    """The demo's hands: one running platform and what has been told so far.

    Args:
        ready: The ready file of the platform.
        seeder: Talks to its API.
    """

    ready: Mapping[str, Any]
    seeder: Seeder
    steps: list[Step] = field(default_factory=list)
    applications: list[dict[str, Any]] = field(default_factory=list)
    _keys: Iterator[int] = field(default_factory=lambda: iter(range(1, 10**9)))

    @property
    def http(self) -> httpx.Client:
        return self.seeder.http

    @property
    def merchant(self) -> str:
        key: str = self.ready["merchant"]["secret_key"]
        return key

    def staff(self, role: str) -> str:
        token: str = self.ready["staff"][role]
        return token

    def customer(self, name: str) -> str:
        token: str = self.ready["customers"][name]["token"]
        return token

    def get(self, path: str, token: str) -> Any:  # noqa: ANN401  JSON
        answer = self.http.get(path, headers={"Authorization": f"Bearer {token}"})
        require(answer.status_code == 200, f"GET {path} answers {answer.status_code}: {answer.text[:200]}")
        return answer.json()

    def post(self, path: str, body: Mapping[str, Any], token: str) -> dict[str, Any]:
        return self.seeder.post(path, body, key=f"demo-{next(self._keys)}-{time.time_ns()}", token=token)

    def refused(self, path: str, body: Mapping[str, Any], token: str) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"demo-{next(self._keys)}-{time.time_ns()}"}
        answer = self.http.post(path, json=body, headers=headers)
        return answer.status_code, str(answer.json().get("code"))

    def wait(self, what: str, ready: Callable[[], Any], patience_s: float = _PATIENCE_S) -> Any:  # noqa: ANN401  anything
        """Poll until something is there: streams and queues take their moment."""
        until = time.monotonic() + patience_s
        while not (found := ready()):
            require(time.monotonic() < until, f"{what} did not happen within {patience_s:.0f} s")
            time.sleep(0.1)
        return found

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """One step: printed when it ends, kept for the report."""
        began = time.monotonic()
        step = Step(title, {}, [], 0.0)
        yield step
        step.took_s = time.monotonic() - began
        self.steps.append(step)
        figures = "  ".join(f"{name} {value}" for name, value in step.figures.items())
        print(f"{len(self.steps):>3}  {title:<46} {step.took_s:6.1f} s  {figures}", flush=True)
        for check in step.checks:
            print(f"       holds: {check}", flush=True)


def require(condition: object, what: str) -> None:
    """Stop the story at the first thing that does not hold.

    Raises:
        BrokenInvariantError: It does not.
    """
    if not condition:
        raise BrokenInvariantError(what)


def holds(step: Step, condition: object, what: str) -> None:
    """Check an invariant and note that it held."""
    require(condition, f"does not hold: {what}")
    step.checks.append(what)


def shown(amount_minor: int) -> str:
    """An amount for a person."""
    return f"{to_decimal(amount_minor, CURRENCY):,}"


def assess(story: Story, applicants: Sequence[Applicant]) -> None:
    """Sign-up and assessment of everyone, through the API."""
    with story.step(f"{len(applicants)} people sign up and are assessed") as step:
        with ThreadPoolExecutor(_PARALLEL) as pool:
            story.applications = list(pool.map(lambda pair: _assessed(story, *pair), enumerate(applicants)))
        outcomes = [a["status"] for a in story.applications]
        approved = [a for a in story.applications if a["status"] == "approved"]
        step.figures = {name: outcomes.count(name) for name in ("approved", "referred", "declined")}
        step.figures["label"] = applicants[0].label
        if approved:
            limits = sorted(a["limit_minor"] for a in approved)
            step.figures["median limit"] = shown(limits[len(limits) // 2])
        reasons: dict[str, int] = {}
        for application in story.applications:
            for reason in application["reasons"]:
                reasons[reason["code"]] = reasons.get(reason["code"], 0) + 1
        step.figures["reasons"] = json.dumps(dict(sorted(reasons.items(), key=lambda r: -r[1])[:4]))
        holds(step, 0 < len(approved) < len(outcomes), "some are approved and some are not")
        turned = [a for a in story.applications if a["status"] == "declined"]
        holds(step, all(a["reasons"] for a in turned), "nobody is declined without a reason")
        holds(step, all(a["limit_minor"] > 0 and not a["reasons"] for a in approved), "every approval has a limit")


def _assessed(story: Story, number: int, applicant: Applicant) -> dict[str, Any]:
    person = story.seeder.post(
        "/v1/customers",
        {
            "phone": f"+86139{number:08d}",
            "name": "Demo Applicant",
            "document_type": "passport",
            "document_number": f"E{number:05d}{applicant.bureau}",
            "birth_on": f"19{60 + number % 40}-0{1 + number % 9}-{1 + number % 28:02d}",
            "language": "en",
            "consents": ["bureau_query"],
        },
        key=f"applicant-{number}",
    )
    token = story.seeder.customer_token(person["id"])
    application = story.seeder.post(
        "/v1/credit-applications", applicant.statements, key=f"assessment-{number}", token=token
    )
    return application | {"customer_id": person["id"], "bad": applicant.bad, "stated": applicant.statements}


def pay_body(story: Story, name: str, amount_minor: int, term: int = 3) -> dict[str, Any]:
    """A quote chosen and accepted: what the merchant sends to be paid."""
    merchant_id = story.ready["merchant"]["id"]
    who = story.post("/v1/me/merchant-tokens", {"merchant_id": merchant_id, "purpose": "quote"}, story.customer(name))
    order = {"amount_minor": amount_minor, "currency": "CNY", "category": "electronics", "channel": "online"}
    quote = story.post("/v1/quotes", order | {"customer_token": who["customer_token"]}, story.merchant)
    offer = next(o for o in quote["offers"] if o["term_count"] == term)
    accepted = story.post(
        "/v1/me/merchant-tokens",
        {"merchant_id": merchant_id, "purpose": "pay", "quote": offer["quote"]},
        story.customer(name),
    )
    reference = f"demo-{next(story._keys)}-{time.time_ns()}"  # noqa: SLF001  one counter for keys and orders
    return {
        "quote": offer["quote"],
        "customer_token": accepted["customer_token"],
        "reference": reference,
        "offer": offer,
    }


def authorize(story: Story, name: str, amount_minor: int, term: int = 3) -> dict[str, Any]:
    """Quote, consent, authorization."""
    body = pay_body(story, name, amount_minor, term)
    offer = body.pop("offer")
    return story.post("/v1/authorizations", body, story.merchant) | {"offer": offer}


def check_line(story: Story, step: Step, name: str) -> dict[str, Any]:
    """The identity of a line, and the line."""
    line: dict[str, Any] = story.get("/v1/me/credit-line", story.customer(name))
    parts = line["available_minor"] + line["held_minor"] + line["outstanding_minor"]
    holds(step, line["limit_minor"] == parts, "limit = available + held + outstanding")
    return line


def purchase(story: Story) -> str:
    """Quote, authorization, capture, plan."""
    with story.step("a shopper buys in six installments") as step:
        auth = authorize(story, "approved", 129_900, term=6)
        held = check_line(story, step, "approved")["held_minor"]
        holds(step, auth["status"] == "approved" and held >= 129_900, "the authorization holds the line")
        path = f"/v1/authorizations/{auth['id']}/captures"
        capture = story.post(path, {"amount_minor": 129_900}, story.merchant)
        rows, offer = capture["schedule"], auth["offer"]
        holds(step, sum(r["principal_minor"] for r in rows) == 129_900, "installments sum to the amount, to the unit")
        holds(step, [r["total_minor"] for r in rows] == [r["total_minor"] for r in offer["schedule"]], "plan = offer")
        check_line(story, step, "approved")
        step.figures = {
            "plan": capture["plan_id"][:12] + "…",
            "rate": f"{capture['apr_bps'] / 100:.2f} %",
            "each": shown(rows[0]["total_minor"]),
            "first due": rows[0]["due_on"],
        }
        return str(capture["plan_id"])


def hold_and_release(story: Story) -> None:
    """A watched shopper's order waits for a person."""
    with story.step("a watched shopper's order is held, a person releases it") as step:
        auth = authorize(story, "held", 60_000)
        holds(step, auth["status"] == "held", "the synchronous rule holds it")
        reviewer = story.staff("reviewer")
        case = story.wait("the case", lambda: _case_of(story, auth["id"]))
        story.post(f"/v1/reviews/{case['id']}/approve", {"reason": "the shopper called"}, reviewer)
        after = story.get(f"/v1/authorizations/{auth['id']}", story.merchant)
        holds(step, after["status"] == "approved", "the decision moves the order")
        check_line(story, step, "held")
        step.figures = {"case": case["id"][:12] + "…", "rule": case["reasons"][0]["rule"]}


def _case_of(story: Story, authorization_id: str) -> dict[str, Any] | None:
    cases = story.get("/v1/reviews?limit=100", story.staff("reviewer"))["data"]
    return next((case for case in cases if case["authorization_id"] == authorization_id), None)


def fraud(story: Story) -> None:
    """A rush of orders: alert, suspension before capture, a person stops it."""
    with story.step("a rush of orders is suspended before capture") as step:
        orders, began = [authorize(story, "approved", 20_000 + i) for i in range(RUSH)], time.monotonic()
        stopped = story.wait("a suspension", lambda: _suspended(story, orders))
        detected = time.monotonic() - began
        status, code = story.refused(
            f"/v1/authorizations/{stopped['id']}/captures", {"amount_minor": 20_000}, story.merchant
        )
        holds(step, (status, code) == (409, "authorization_suspended"), "a suspended order can't be captured")
        alerts = story.wait("the alert", lambda: story.get("/v1/alerts", story.staff("reviewer"))["data"])
        case = story.wait("the case", lambda: _case_of(story, stopped["id"]))
        decided = {"outcome": "confirmed_fraud", "reason": "the shopper did not order this"}
        story.post(f"/v1/reviews/{case['id']}/decline", decided, story.staff("reviewer"))
        after = story.get(f"/v1/authorizations/{stopped['id']}", story.merchant)
        holds(step, (after["status"], after["void_reason"]) == ("voided", "risk"), "the person's word voids it")
        check_line(story, step, "approved")
        step.figures = {"orders": RUSH, "alerts": len(alerts), "from last order to suspension": f"{detected:.2f} s"}


def _suspended(story: Story, orders: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    for order in reversed(orders):
        seen: dict[str, Any] = story.get(f"/v1/authorizations/{order['id']}", story.merchant)
        if seen["suspension"]:
            return seen
    return None


def no_oversell(story: Story) -> None:
    """Many orders at once on one line never take more than it has."""
    with story.step("eight orders at once on a line for two") as step:
        name = "high_risk_device"
        amount = story.get("/v1/me/credit-line", story.customer(name))["available_minor"] // 5 * 2
        bodies = [pay_body(story, name, amount) for _ in range(8)]
        for body in bodies:
            body.pop("offer")
        with ThreadPoolExecutor(8) as pool:
            orders = list(pool.map(lambda body: story.post("/v1/authorizations", body, story.merchant), bodies))
        taken = [o for o in orders if o["status"] in {"approved", "held"}]
        line = check_line(story, step, name)
        holds(step, line["available_minor"] >= 0, "the line is never oversold")
        holds(step, line["held_minor"] == amount * len(taken), "what is held is what was promised")
        step.figures = {"approved or held": len(taken), "of": len(orders)}


def months_pass(story: Story, plan_id: str) -> None:
    """The test clock moves; reminders go out, each once."""
    with story.step("a month passes on the test clock") as step:
        operator = story.staff("operator")
        now = parse_instant(story.get("/v1/test-clock", operator)["now"])
        _advance(story, now + timedelta(days=33))
        sent = story.wait("reminders", lambda: _reminders(story, plan_id))
        holds(step, len(set(sent)) == len(sent), "every reminder step is sent once")
        _advance(story, now + timedelta(days=33, hours=1))
        again = _reminders(story, plan_id)
        holds(step, sorted(again) == sorted(sent), "sweeping again sends nothing twice")
        step.figures = {"reminders": len(sent), "steps": " ".join(sorted(sent))}


def _advance(story: Story, to: datetime) -> None:
    operator = story.staff("operator")
    story.post("/v1/test-clock/advance", {"to": isoformat(to)}, operator)
    until = time.monotonic() + 10 * _PATIENCE_S
    while story.get("/v1/test-clock", operator)["status"] != "idle":
        require(time.monotonic() < until, "the clock did not arrive")
        time.sleep(0.2)


def _reminders(story: Story, plan_id: str) -> list[str]:
    """The steps about a plan that stand in the sandbox channel's log, one entry per message that really went out."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)  # noqa: S106
    table = session.resource("dynamodb", endpoint_url=story.ready["aws_endpoint"]).Table(
        story.ready["outputs"]["TableName"]
    )
    items: list[dict[str, Any]] = []
    page = table.scan()
    while True:
        items += page["Items"]
        if "LastEvaluatedKey" not in page:
            break
        page = table.scan(ExclusiveStartKey=page["LastEvaluatedKey"])
    about = {keys.sandbox_sent(str(i["pk"])): f"{i['n']}:{i['st']}" for i in items if i.get("ab") == plan_id}
    return [about[i["pk"]] for i in items if i["pk"] in about]


def repay_and_refund(story: Story, plan_id: str) -> None:
    """She repays what is due; the shop refunds a part: line, plan and books follow."""
    with story.step("she repays what is due, the shop refunds a part") as step:
        shopper = story.customer("approved")
        plan = story.get(f"/v1/me/plans/{plan_id}", shopper)
        before = check_line(story, step, "approved")
        first = plan["schedule"][0]
        body = {"amount_minor": first["total_minor"], "currency": "CNY", "intent": "due", "plan_id": plan_id}
        repayment = story.post("/v1/me/repayments", body, shopper)
        after = check_line(story, step, "approved")
        holds(step, repayment["status"] == "received", "the rail confirms the repayment")
        freed = after["available_minor"] - before["available_minor"]
        holds(step, 0 < freed <= first["principal_minor"], "what is repaid is available again")
        goods = {"amount_minor": 30_000, "reason": "one lamp came back"}
        refund = story.post(f"/v1/captures/{plan['capture_id']}/refunds", goods, story.merchant)
        last = check_line(story, step, "approved")
        holds(step, last["outstanding_minor"] < after["outstanding_minor"], "a refund lowers what is owed")
        step.figures = {"repaid": shown(first["total_minor"]), "freed": shown(freed)}
        step.figures["refunded"] = shown(refund["amount_minor"])


def books(story: Story) -> None:
    """Trial balance, Merkle proof, signed checkpoint."""
    with story.step("the books balance and can be proved") as step:
        auditor = story.staff("auditor")
        balance = story.wait("the sequencer", lambda: _logged(story, auditor))
        for currency in balance["currencies"]:
            holds(step, currency["difference_minor"] == 0, f"trial balance of {currency['currency']} is zero")
        signed = lambda: story.get("/v1/ledger/checkpoints", auditor)["data"]  # noqa: E731  asked again and again
        checkpoint = story.wait("a checkpoint", signed, patience_s=4 * _PATIENCE_S)  # one is signed every minute
        step.figures = {"entries": balance["size"], "root": balance["root"][:16] + "…", "checkpoints": len(checkpoint)}


def _logged(story: Story, auditor: str) -> dict[str, Any] | None:
    balance: dict[str, Any] = story.get("/v1/ledger/trial-balance", auditor)
    return balance if balance["size"] else None

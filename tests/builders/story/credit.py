"""Applications decided by the policy and by people, lines kept by customers and staff, models let in and taken back."""

from __future__ import annotations

from functions.credit.models.artifacts import release_of, shipped
from functions.credit.models.events import weigh
from functions.customers import magic
from tests.builders.customers import phone, sign_up
from tests.builders.platform import Platform
from tests.builders.shop import PHONE_OF, a_shop, all_api
from tests.builders.statements import issued
from tests.builders.story.recording import Recording, a_moment_later

WHY = {"reason": "seen the payslips"}


def tell(world: Platform, api: Recording) -> None:
    person = Recording().post(
        "/v1/customers", sign_up(phone=phone(PHONE_OF[magic.ALWAYS_APPROVED]), consents=["bureau_query"])
    )
    me = api.of(world.customer_token(person["id"]))
    made = me.post("/v1/credit-applications", {"currency": "CNY", "requested_limit_minor": 300_000})
    me.get(f"/v1/credit-applications/{made['id']}")
    me.get("/v1/me/credit-line")
    income = {"currency": "CNY", "income_minor": 1_234_500, "expenses_minor": 222_200, "debts_minor": 0}
    me.put("/v1/me/income", income)
    _line(world, api)
    _people(world, api)
    _models(world, api)


def _line(world: Platform, api: Recording) -> None:
    """A customer of three statements."""
    shop = a_shop(world, limit_minor=480_000)
    all_api().put("/v1/me/consents", {"consents": {"limit_increase": True}}, token=shop.customer)
    for month in range(1, 4):
        weigh(issued(shop, month, bill_minor=150_000, paid_minor=50_000, due_minor=50_000))
    path = f"/v1/customers/{shop.customer_id}/credit-line"
    one, two = (api.of(world.staff_token("risk_admin", subject=f"stf_{n}")) for n in "12")
    body = {"currency": "CNY", "reason": "a new job"}
    one.post(f"{path}/temporary", {**body, "extra_minor": 50_000, "until_on": "2026-12-22"})
    one.post(f"{path}/adjust", {**body, "limit_minor": 1_000_000})
    two.post(f"{path}/confirm", body)
    api.of(shop.customer).post("/v1/me/freeze")
    one.post(f"{path}/lift", {**body, "reason": "the phone was found"})
    one.post(f"{path}/freeze", {**body, "reason": "a letter came back"})
    one.post(f"{path}/lift", body)
    one.post(f"{path}/review", {"currency": "CNY"})
    api.of(world.staff_token("support")).get(f"{path}?currency=CNY")


def _people(world: Platform, api: Recording) -> None:
    one = api.of(world.staff_token("reviewer"))
    referred = a_shop(world, magic.BUREAU_TIMES_OUT)
    a_moment_later(world)
    other = a_shop(world, magic.BUREAU_TIMES_OUT)
    one.get("/v1/decisions?queue=people&limit=2")
    path = f"/v1/decisions/{referred.application['id']}"
    one.post(f"{path}/claim")
    one.post(f"{path}/approve", {**WHY, "limit_minor": 240_000})
    one.get(path)
    one.post(f"{path}/replay")
    one.post(f"/v1/decisions/{other.application['id']}/decline", {"reason": "no payslips"})
    appeal = f"/v1/credit-applications/{other.application['id']}/appeal"
    api.of(other.customer).post(appeal, {"statement": "they are in the post"})


def _models(world: Platform, api: Recording) -> None:
    ann = api.of(world.staff_token("modeller", subject="ann"))
    bob = api.of(world.staff_token("risk_admin", subject="bob"))
    challenger = next(one.version for one in shipped().values() if one.simulated and one.model == "application")
    ann.get("/v1/models")
    ann.get("/v1/models/monitoring")
    ann.get(f"/v1/models/{release_of('application').version}/drift")
    one, why = f"/v1/models/{challenger}", {"reason": "a better Gini"}
    ann.get(one)
    ann.post(f"{one}/challenge", why)
    ann.get(f"{one}/compare")
    ann.post(f"{one}/propose", why)
    bob.post(f"{one}/promote", why)
    bob.post(f"{one}/roll-back", {"reason": "too many referrals"})
    ann.post(f"{one}/challenge", why)
    ann.post(f"{one}/withdraw", {"reason": "another is coming"})

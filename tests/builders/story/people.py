"""A customer signs up, signs in each way, answers, asks for the data and is forgotten."""

from __future__ import annotations

from functions.customers import magic
from tests.builders.authenticator import Authenticator
from tests.builders.customers import sign_up
from tests.builders.platform import Platform
from tests.builders.shop import PHONE_OF
from tests.builders.story.recording import Recording


def _person(meaning: str, ending: str) -> dict[str, object]:
    """Nobody else's details, whatever ran before."""
    numbers = {"4711": "110101198505054711", "4712": "110101198505054703"}
    return sign_up(
        phone=f"{PHONE_OF[meaning]}{ending}", document_number=numbers[ending], birth_on="1985-05-05",
        consents=["bureau_query"],
    )  # fmt: skip


def tell(world: Platform, api: Recording) -> None:
    body = _person(magic.ALWAYS_APPROVED, "4711")
    api.post("/v1/customers", body)
    me = api.of(_sign_in(api, str(body["phone"])))
    me.get("/v1/me")
    me.get("/v1/me/consents")
    me.put("/v1/me/consents", {"consents": {"limit_increase": True}})
    me.get("/v1/me/reminders")
    me.put("/v1/me/reminders", {"channel": "sms", "enabled": True})
    _passkey(api, me)
    _asked_again(world, api)
    me.get("/v1/me/export")
    me.post("/v1/sign-out")
    api.of(world.customer_token(str(_own_id(api)))).delete("/v1/me")


def _own_id(api: Recording) -> str:
    return str(api.exchanges["create_customer"]["answer"]["id"])


def _sign_in(api: Recording, phone: str) -> str:
    challenge = api.post("/v1/sign-in/code", {"phone": phone})["challenge_id"]
    signed = api.post("/v1/sign-in/verify", {"challenge_id": challenge, "code": magic.MAGIC_CODE})
    return str(api.post("/v1/sign-in/refresh", {"refresh_token": signed["refresh_token"]})["access_token"])


def _passkey(api: Recording, me: Recording) -> None:
    phone = Authenticator()
    begun = me.post("/v1/passkeys/register/begin")
    body = {"state": begun["state"], "credential": phone.register(begun["options"]), "name": "Phone"}
    made = me.post("/v1/passkeys/register/finish", body)
    asked = api.post("/v1/passkeys/authenticate/begin")
    answer = {"state": asked["state"], "credential": phone.sign(asked["options"])}
    api.post("/v1/passkeys/authenticate/finish", answer)
    me.get("/v1/me/passkeys")
    me.delete(f"/v1/me/passkeys/{made['id']}")


def _asked_again(world: Platform, api: Recording) -> None:
    """The provider did not answer about this one."""
    quiet = Recording()
    pending = quiet.post("/v1/customers", _person(magic.IDENTITY_TIMES_OUT, "4712"))
    api.of(world.customer_token(pending["id"])).post("/v1/me/identity-check")
    verdict = {"decision": "verified", "reason": "saw the passport"}
    api.of(world.staff_token("reviewer")).post(f"/v1/customers/{pending['id']}/identity", verdict)

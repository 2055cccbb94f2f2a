"""Demo people for a fresh platform: two merchants, staff of every role, and a shopper for every magic number.

Everything is made through the public API, with fixed Idempotency-Keys: a second start replays, and finds the same
people. Tokens live 24 hours and are minted anew at every start.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import boto3
import httpx

from functions.customers import magic
from functions.customers.details import check_character
from functions.platform.tokens import CUSTOMER_AUDIENCE, CUSTOMER_ISSUER
from infra.issuer import DAY_S, Issuer
from infra.platform_local import REGION

STAFF: Final = {
    "reviewer": "reviewer",
    "reviewer2": "reviewer",
    "risk_admin": "risk_admin",
    "modeller": "modeller",
    "finance": "finance",
    "finance2": "finance",
    "operator": "operator",
    "support": "support",
    "support2": "support",
    "auditor": "auditor",
}
CUSTOMERS: Final = {
    "approved": magic.ALWAYS_APPROVED,
    "declined": magic.DECLINED,
    "held": magic.HELD,
    "needs_confirmation": magic.NEEDS_CONFIRMATION,
    "bureau_times_out": magic.BUREAU_TIMES_OUT,
    "repayment_fails": magic.REPAYMENT_FAILS,
    "repayment_fails_then_succeeds": magic.REPAYMENT_FAILS_THEN_SUCCEEDS,
    "high_risk_device": magic.HIGH_RISK_DEVICE,
}
_PHONE_OF: Final = {meaning: prefix for prefix, meaning in magic.MAGIC_PHONES.items()}
_PROFILE_WAIT_S: Final = 20.0
_PATIENCE_S: Final = 60.0


class SeedError(RuntimeError):
    """The platform did not do what a fresh one does."""


class Seeder:
    """Talks to one platform as its users do.

    Args:
        base_url: Of the API.
        issuer: Signs staff tokens, and customers' for 24 hours instead of 15 minutes.
    """

    def __init__(self, base_url: str, issuer: Issuer) -> None:
        self.http = httpx.Client(base_url=base_url, timeout=60)
        self.issuer = issuer

    def post(self, path: str, body: Mapping[str, Any], *, key: str, token: str | None = None) -> dict[str, Any]:
        """Ask, and the same again where the answer says so: a busy machine is slow while the platform starts."""
        headers = {"Idempotency-Key": f"seed-{key}", **({"Authorization": f"Bearer {token}"} if token else {})}
        until = time.monotonic() + _PATIENCE_S
        while (answer := self.http.post(path, json=body, headers=headers)).status_code >= 300:
            wait = answer.headers.get("Retry-After")
            if wait is None or time.monotonic() + int(wait) > until:
                raise SeedError(f"{path}: {answer.status_code} {answer.text[:300]}")
            time.sleep(int(wait))
        result: dict[str, Any] = answer.json()
        return result

    def merchant(self, number: int, name: str, operator: str) -> dict[str, str]:
        """A live merchant that sells everything in three currencies."""
        made = self.post(
            "/v1/merchants",
            {
                "name": name,
                "max_amount_minor": {"CNY": 10_000_000, "EUR": 1_500_000, "USD": 1_500_000},
                "categories": ["electronics", "appliances", "education", "travel", "health"],
            },
            key=f"merchant-{number}",
            token=operator,
        )
        if made["status"] == "pending":
            live = {"status": "live", "reason": "demo merchant of the local platform"}
            self.post(f"/v1/merchants/{made['id']}/status", live, key=f"merchant-{number}-live", token=operator)
        return {"id": made["id"], "secret_key": made["api_key"]["secret"]}

    def customer(self, name: str, meaning: str, number: int) -> dict[str, str]:
        """A verified shopper who has been assessed."""
        first = f"1101011990031{number % 10}{100 + number:03d}"
        person = self.post(
            "/v1/customers",
            {
                "phone": f"{_PHONE_OF[meaning]}0001",
                "name": "Demo Shopper",
                "document_number": first + check_character(first),
                "birth_on": f"1990-03-1{number % 10}",
                "email": f"{name}@shopper.example.com",
                "language": "en",
                "consents": ["bureau_query", "bureau_reporting"],
            },
            key=f"customer-{name}",
        )
        token = self.customer_token(person["id"])
        self.post(
            "/v1/credit-applications",
            {"currency": "CNY", "requested_limit_minor": 4_000_000},
            key=f"application-{name}",
            token=token,
        )
        return {"id": person["id"], "token": token}

    def customer_token(self, customer_id: str) -> str:
        session = "ses_" + hashlib.sha256(customer_id.encode()).hexdigest()[:26].upper()
        fresh = int(time.time()) + DAY_S  # a demo token counts as just signed in for as long as it is good
        claims = {"iss": CUSTOMER_ISSUER, "aud": CUSTOMER_AUDIENCE, "sub": customer_id, "sid": session}
        return self.issuer.customer_token({**claims, "auth_time": fresh})


def seed(base_url: str, aws_endpoint: str, outputs: Mapping[str, str], state_dir: Path) -> dict[str, Any]:
    """Make the demo people, or find them again, and mint their tokens.

    Args:
        base_url: Of the API.
        aws_endpoint: Of the embedded platform, to wait for what the streams do.
        outputs: Of the stack; names the table.
        state_dir: Where the issuer keeps its keys.

    Returns:
        The members `merchant`, `merchant2`, `staff` and `customers` of the ready file.
    """
    issuer = Issuer.load(state_dir)
    seeder = Seeder(base_url, issuer)
    staff = {name: issuer.staff_token(f"stf_{name}", [role]) for name, role in STAFF.items()}
    merchants = [
        seeder.merchant(1, "Corner Electronics", staff["operator"]),
        seeder.merchant(2, "Harbour Travel", staff["operator"]),
    ]
    customers = {
        name: seeder.customer(name, meaning, number) for number, (name, meaning) in enumerate(CUSTOMERS.items())
    }
    _wait_for_profiles(customers, aws_endpoint, outputs)
    return {"merchant": merchants[0], "merchant2": merchants[1], "staff": staff, "customers": customers}


def _wait_for_profiles(
    customers: Mapping[str, Mapping[str, str]], aws_endpoint: str, outputs: Mapping[str, str]
) -> None:
    """A magic shopper is magic when the stream has put her on her list; until then she is an ordinary one."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)  # noqa: S106
    items = session.resource("dynamodb", endpoint_url=aws_endpoint).Table(outputs["TableName"])
    lines = [
        line["pk"].partition("#")[2]
        for name in ("approved", "held", "needs_confirmation")
        for line in _lines_of(items, customers[name]["id"])
    ]
    until = time.monotonic() + _PROFILE_WAIT_S
    while any("Item" not in items.get_item(Key={"pk": f"risk#{alias}", "sk": "-"}) for alias in lines):
        if time.monotonic() > until:
            raise SeedError("the risk profiles of the demo shoppers did not appear")
        time.sleep(0.2)


def _lines_of(items: Any, customer_id: str) -> list[dict[str, str]]:  # noqa: ANN401  boto3 resource
    stored = items.get_item(Key={"pk": customer_id, "sk": "-"})["Item"]
    return [{"pk": f"line#{int(alias):09d}"} for alias in stored.get("al", {}).values()]

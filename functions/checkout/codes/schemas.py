"""Bodies and answers of devices and payment codes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from functions.customers.passkeys.schemas import StepUpAnswer
from functions.platform.web.operation import Instant
from functions.platform.web.schema import Answer, Body, Currency, Text64


class DeviceRequest(Body):
    """`POST /v1/me/devices`."""

    step_up: StepUpAnswer | None = Field(
        default=None, description="Needed where the last code or passkey was given over ten minutes ago."
    )
    name: Text64 | None = Field(default=None, description="What the customer calls the phone.")
    currency: Currency | None = Field(default=None, description="Of the line to pay from, where there are several.")


class CodeRequest(Body):
    """`POST /v1/me/payment-codes` and its renewal of the alias."""

    currency: Currency | None = Field(default=None, description="Of the line to pay from, where there are several.")


class AliasView(Answer):
    """Nine digits that codes begin with, after the version, and when."""

    alias: str
    from_: Instant = Field(alias="from")
    until: Instant


class CodeFormView(Answer):
    """How a code is made: version, alias, device number, one-time password of RFC 6238, check digit."""

    length: int
    version: str
    algorithm: str = Field(description="HMAC of the one-time password.")
    digits: int
    period_s: int
    check_digit: str


class DeviceView(Answer):
    """A phone that makes payment codes offline."""

    id: str
    object: Literal["device"]
    status: Literal["enrolled", "removed"]
    name: str | None
    currency: str
    number: int = Field(description="The device digit of its codes.")
    enrolled_at: Instant
    codes: CodeFormView
    aliases: list[AliasView] = Field(description="This month's and the next ones', so that no network is needed.")
    server_time: Instant = Field(description="For a phone whose clock is wrong.")
    secret: str | None = Field(description="32 bytes in base64url; told once, at enrolment.")


class PaymentCodeView(Answer):
    """A code made for a phone without the app."""

    object: Literal["payment_code"]
    code: str = Field(description="Eighteen digits.")
    currency: str
    refresh_at: Instant = Field(description="Ask for the next one.")
    expires_at: Instant = Field(description="It pays until then, once.")


class CodeAliasView(Answer):
    """The aliases after a renewal."""

    object: Literal["code_alias"]
    currency: str
    renewed_at: Instant
    aliases: list[AliasView]

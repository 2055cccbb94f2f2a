"""Bodies of sign-up, consents and sign-in."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from functions.customers.ports import Applicant
from functions.platform.web.schema import Answer, Body, DayBody, Text64, Text200

ConsentCode = Literal["bureau_query", "bureau_reporting", "purchase_history", "marketing", "limit_increase"]
DocumentType = Literal["resident_id", "passport", "national_id"]
Phone = Annotated[str, Field(min_length=5, max_length=32, description="E.164, or a Chinese mobile number.")]


class SignUp(Body):
    """`POST /v1/customers`."""

    phone: Phone
    name: Text64
    document_number: Annotated[str, Field(min_length=5, max_length=32)]
    document_type: DocumentType | None = Field(
        default=None, description="resident_id in China, national_id elsewhere, if absent."
    )
    birth_on: DayBody
    email: Annotated[str, Field(min_length=3, max_length=254)] | None = None
    address: Text200 | None = None
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166.")] = "CN"
    language: Literal["zh", "en"] = "zh"
    zone: Annotated[str, Field(max_length=64, description="IANA time zone.")] = "Asia/Shanghai"
    consents: Annotated[tuple[ConsentCode, ...], Field(max_length=20, strict=False)] = ()

    def applicant(self) -> Applicant:
        """Who claims to be whom, of details in their normal form."""
        return Applicant(
            name=self.name,
            phone=self.phone,
            document_type=str(self.document_type),
            document_number=self.document_number,
            born_on=self.birth_on,
            country=self.country,
        )


class ConsentAnswers(Body):
    """`PUT /v1/me/consents`: those named are answered, the others stay."""

    consents: dict[ConsentCode, bool]


class IdentityVerdict(Body):
    """`POST /v1/customers/{id}/identity`."""

    decision: Literal["verified", "failed"]
    reason: Text200


class CodeRequest(Body):
    """`POST /v1/sign-in/code`."""

    phone: Phone


class CodeAnswer(Body):
    """`POST /v1/sign-in/verify`."""

    challenge_id: Text64
    code: Annotated[str, Field(pattern=r"^[0-9]{6}$")]


class RefreshRequest(Body):
    """`POST /v1/sign-in/refresh`."""

    refresh_token: Annotated[str, Field(min_length=1, max_length=2048)]


class NoBody(Body):
    """Nothing may be said."""


class IdentityView(Answer):
    """What is known of someone's identity."""

    status: Literal["verified", "identity_failed", "identity_pending"]
    reasons: list[Literal["document_invalid", "details_do_not_match", "underage", "not_accepted"]]
    decided_at: str


class ConsentView(Answer):
    """One consent: what was answered, and to which wording."""

    code: ConsentCode
    granted: bool
    version: str | None = Field(description="Wording that was answered, null if it never was.")
    changed_at: str | None
    current_version: str


class CustomerView(Answer):
    """A customer, without personal data."""

    id: str
    object: Literal["customer"]
    status: Literal["verified", "identity_failed", "identity_pending"]
    version: int
    identity: IdentityView
    country: str
    language: str
    zone: str
    consents: list[ConsentCode] = Field(description="Those granted.")
    created_at: str


class DocumentView(Answer):
    """An identity document."""

    type: DocumentType
    number: str


class ProfileView(CustomerView):
    """A customer's own data, in clear."""

    name: str
    phone: str
    email: str | None
    document: DocumentView
    birth_on: str
    address: str | None
    credit_lines: list[str] = Field(description="Currencies in which there is a line.")


class ConsentsView(Answer):
    """All consents."""

    consents: list[ConsentView]


class ChallengeView(Answer):
    """A one-time code is on its way, if the phone is known."""

    challenge_id: str
    expires_at: str


class SignedIn(Answer):
    """A session: a token for 15 minutes and the one that renews it, once."""

    customer_id: str
    access_token: str
    token_type: Literal["Bearer"]
    expires_at: str
    refresh_token: str
    refresh_expires_at: str


class SignedOut(Answer):
    """The session is over."""

    status: Literal["signed_out"]

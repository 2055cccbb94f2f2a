"""Bodies of the passkey ceremonies."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from functions.platform.web.operation import Instant
from functions.platform.web.schema import Answer, Body, Text64

Credential = Annotated[
    dict[str, Any],
    Field(description="`PublicKeyCredential.toJSON()`; browsers add members to it, and those are not read."),
]
State = Annotated[str, Field(min_length=1, max_length=2048, description="As `begin` gave it.")]


class StepUpAnswer(Body):
    """A passkey's answer to the `step_up` of a `proof_required` problem."""

    state: State
    credential: Credential


class RegistrationRequest(Body):
    """`POST /v1/passkeys/register/begin`."""

    step_up: StepUpAnswer | None = Field(
        default=None, description="Needed where the last code or passkey was given over ten minutes ago."
    )


class RegistrationAnswer(Body):
    """`POST /v1/passkeys/register/finish`."""

    state: State
    credential: Credential
    name: Text64 | None = Field(default=None, description="For the customer's own list.")


class SignInAnswer(Body):
    """`POST /v1/passkeys/authenticate/finish`."""

    state: State
    credential: Credential


class CeremonyView(Answer):
    """A ceremony that has begun."""

    options: dict[str, Any] = Field(
        description="For `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`."
    )
    state: str = Field(description="Give it back with the answer.")
    expires_at: Instant


class PasskeyView(Answer):
    """A passkey as its owner sees it."""

    id: str
    object: Literal["passkey"]
    name: str | None
    backed_up: bool = Field(description="Whether it is synchronised between devices.")
    created_at: Instant
    last_used_at: Instant | None


class PasskeysView(Answer):
    """All passkeys of a customer."""

    data: list[PasskeyView]


class RemovedView(Answer):
    """A passkey that opens nothing any more."""

    id: str
    status: Literal["removed"]

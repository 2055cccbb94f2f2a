"""What this slice needs from outside: someone who knows whether a name, a phone and a document belong together."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar, Protocol


@dataclass(frozen=True, slots=True)
class Applicant:
    """Who claims to be whom; nothing of it shows in a repr.

    Args:
        phone: E.164.
        document_type: "resident_id", "passport" or "national_id".
        document_number: In normal form.
        country: Of the document, ISO 3166.
    """

    name: str = field(repr=False)
    phone: str = field(repr=False)
    document_type: str
    document_number: str = field(repr=False)
    born_on: date = field(repr=False)
    country: str


@dataclass(frozen=True, slots=True)
class IdentityAnswer:
    """What the provider found.

    Args:
        reference: The provider's own number of this check, for the file.
        details_match: Whether name, phone and document belong to one person.
        watch_listed: Whether that person is on a list we must not serve.
    """

    provider: str
    reference: str
    details_match: bool
    watch_listed: bool


class IdentityCheckTimeoutError(Exception):
    """The provider did not answer in time: the person is referred, never approved."""


class IdentityCheck(Protocol):
    """An identity provider."""

    sandbox: ClassVar[bool]
    """Whether it is a stand-in; a live stage refuses one."""

    def check(self, applicant: Applicant) -> IdentityAnswer:
        """Ask the provider; at most 5 seconds.

        Raises:
            IdentityCheckTimeoutError: No answer in that time.
        """

"""The sandbox's identity provider: knows everybody, except where a magic value says otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from functions.core.ids import derived_id
from functions.customers import magic
from functions.customers.ports import Applicant, IdentityAnswer, IdentityCheckTimeoutError

if TYPE_CHECKING:
    from functions.platform.container import Container


@dataclass(frozen=True)
class SandboxIdentityCheck:
    """Deterministic: the same applicant has the same answer, with the same reference."""

    box: Container
    sandbox: ClassVar[bool] = True

    def check(self, applicant: Applicant) -> IdentityAnswer:
        """See `IdentityCheck.check`."""
        meaning = magic.meaning_of(applicant.phone)
        if meaning == magic.IDENTITY_TIMES_OUT:
            raise IdentityCheckTimeoutError
        return IdentityAnswer(
            provider="sandbox",
            reference=derived_id(
                "idc", self.box.secrets.key("ids"), applicant.document_type, applicant.document_number, applicant.phone
            ),
            details_match=meaning != magic.IDENTITY_FAILS,
            watch_listed=applicant.name in magic.WATCH_LISTED_NAMES,
        )

"""What the environment says, read once by the container and passed on as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LIVE_STAGES = frozenset({"live", "staging"})


@dataclass(frozen=True, slots=True)
class Settings:
    """One deployment's names and places.

    Args:
        stage: "local", "test", "dev", "staging" or "live".
        staff_jwks: Inline JSON key set, or its https URL.
        webhooks_to_loopback: Whether webhooks may go to the own machine: local development, never a live stage.
        passkeys: Domain that they are bound to and the origins of pages that use them; none for the public URL's own.
        rate_limits: Requests a second and burst by kind of principal, where they differ from the defaults.
        shards: How many partitions the action-hour index is spread over.
    """

    stage: str
    table: str
    ledger_table: str
    bus: str
    data_key_id: str
    signing_key_id: str
    secret_id: str
    customer_jwks: str
    staff_issuer: str
    staff_audience: str
    staff_jwks: str
    messages_queue_url: str
    projections_queue_url: str
    sweep_queue_url: str
    assessments_queue_url: str
    webhooks_queue_url: str
    parking_queue_url: str
    tills_queue_url: str
    alerts_topic_arn: str
    checkpoint_bucket: str
    document_bucket: str
    public_url: str
    mail_from: str
    webhooks_to_loopback: bool
    passkeys: tuple[str, ...]
    rate_limits: str
    shards: int

    @property
    def is_live(self) -> bool:
        """Whether real money moves here: sandbox adapters and the test clock are refused."""
        return self.stage in LIVE_STAGES

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the WHITENOTE_ variables; a function is given only those it needs, the rest are empty."""

        def get(name: str, default: str = "") -> str:
            return environ.get(f"WHITENOTE_{name}", default)

        return cls(
            stage=get("STAGE", "test"),
            table=get("TABLE", "whitenote"),
            ledger_table=get("LEDGER_TABLE", "whitenote-ledger"),
            bus=get("BUS", "whitenote"),
            data_key_id=get("DATA_KEY_ID"),
            signing_key_id=get("SIGNING_KEY_ID"),
            secret_id=get("SECRET_ID"),
            customer_jwks=get("CUSTOMER_JWKS"),
            staff_issuer=get("STAFF_ISSUER"),
            staff_audience=get("STAFF_AUDIENCE", "whitenote-staff"),
            staff_jwks=get("STAFF_JWKS"),
            messages_queue_url=get("MESSAGES_QUEUE_URL"),
            projections_queue_url=get("PROJECTIONS_QUEUE_URL"),
            sweep_queue_url=get("SWEEP_QUEUE_URL"),
            assessments_queue_url=get("ASSESSMENTS_QUEUE_URL"),
            webhooks_queue_url=get("WEBHOOKS_QUEUE_URL"),
            parking_queue_url=get("PARKING_QUEUE_URL"),
            tills_queue_url=get("TILLS_QUEUE_URL"),
            alerts_topic_arn=get("ALERTS_TOPIC_ARN"),
            checkpoint_bucket=get("CHECKPOINT_BUCKET"),
            document_bucket=get("DOCUMENT_BUCKET"),
            public_url=get("PUBLIC_URL", "http://127.0.0.1:8000"),
            mail_from=get("MAIL_FROM", "whitenote@example.com"),
            webhooks_to_loopback=get("WEBHOOKS_TO_LOOPBACK") == "allowed",
            passkeys=tuple(get("PASSKEYS").split()),
            rate_limits=get("RATE_LIMITS"),
            shards=int(get("SHARDS", "1")),
        )

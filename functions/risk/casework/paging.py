"""Telling the staff at once: an alert, a late case or decision, an alarm of the portfolio goes to the alerts topic.

A page is told once: its consumer handles each event once (functions/platform/bus/once.py). Where the worker dies
between the page and the end of its record, the page comes twice; better so than not at all. It names objects and rules,
never a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from functions.core.errors import UnavailableError
from functions.platform.container import container
from functions.platform.observability import count
from functions.risk.casework.alert_service import read_alert

_SUBJECT_CHARACTERS: Final = 100


@dataclass(frozen=True, slots=True)
class StaffTopic:
    """The SNS topic that staff subscribe to.

    Args:
        client: boto3 "sns" client.
        arn: Its ARN.
    """

    client: Any
    arn: str

    def publish(self, subject: str, text: str, attributes: Mapping[str, str]) -> None:
        """Send one page.

        Args:
            subject: ASCII, at most 100 characters.
            text: The page.
            attributes: What a subscription may filter by.

        Raises:
            UnavailableError: The topic did not take it.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        marked = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
        try:
            self.client.publish(TopicArn=self.arn, Subject=subject, Message=text, MessageAttributes=marked)
        except (BotoCoreError, ClientError) as error:
            raise UnavailableError("the alerts topic did not answer", retry_after_s=5) from error


def tell_staff(event: Mapping[str, Any]) -> None:
    """Page the staff about an event.

    Args:
        event: Our envelope of `fraud.alert`, `case.escalated`, `decision.escalated` or `portfolio.alarmed`.
    """
    box = container()
    page = _PAGES[event["type"]](event)
    topic = StaffTopic(box.client("sns"), box.settings.alerts_topic_arn)
    topic.publish(page.subject[:_SUBJECT_CHARACTERS], "\n".join(page.lines), {"type": event["type"], **page.marks})
    count("StaffPaged")


@dataclass(frozen=True, slots=True)
class Page:
    """What is sent."""

    subject: str
    lines: tuple[str, ...]
    marks: Mapping[str, str]


def _of_alert(event: Mapping[str, Any]) -> Page:
    """The alert as it is now: folded findings may have made it worse since."""
    alert = read_alert(event["object_id"], consistent=True)
    titles = [f"- {reason['title']}: {'; '.join(reason['why'])}" for reason in alert.reasons]
    shown = event["data"]["alert"]
    return Page(
        f"Fraud alert ({alert.severity}): {alert.kind}",
        (
            f"Alert {alert.pk}, raised {shown['raised_at']}, detected after {alert.detected_ms} ms.",
            f"Merchant {event['merchant_id']}, customer {event['customer_id']}, order {shown['authorization_id']}.",
            f"Case {shown['case_id']}. Suggested: {shown['suggested_action']}.",
            *titles,
        ),
        {"severity": alert.severity},
    )


def _of_case(event: Mapping[str, Any]) -> Page:
    case = event["data"]["case"]
    return Page(
        f"Late case ({case['severity']}): {case['kind']}",
        (
            f"Case {case['id']} was due {case['due_at']} and expires {case['expires_at']}.",
            f"At risk: {case['amount_minor']} {case['currency']} (minor units). Claimed by {case['claimed_by']}.",
        ),
        {"severity": case["severity"]},
    )


def _of_decision(event: Mapping[str, Any]) -> Page:
    decision = event["data"]["decision"]
    work = decision["work"]
    return Page(
        f"Late {work['kind']}: {work['late']}",
        (
            f"Decision {decision['id']} waits for a person since {work['opened_at']}; it was due {work['due_on']}.",
            f"The applicant must be told by {work['notice_due_on']}. Claimed by {work['claimed_by']}.",
        ),
        {"severity": "critical" if work["late"] == "notice_due" else "high"},
    )


def _of_portfolio(event: Mapping[str, Any]) -> Page:
    data = event["data"]
    return Page(
        f"Portfolio alarm in {data['currency']}: {len(data['indicators'])} indicators",
        (f"On {data['on']}, at or over their alarm thresholds:", *(f"- {name}" for name in data["indicators"])),
        {"severity": "high"},
    )


_PAGES: Final = {
    "fraud.alert": _of_alert,
    "case.escalated": _of_case,
    "decision.escalated": _of_decision,
    "portfolio.alarmed": _of_portfolio,
}

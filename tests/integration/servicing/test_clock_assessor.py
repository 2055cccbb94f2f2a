"""The sandbox's clock waits until the credit models have weighed what was told."""

from __future__ import annotations

from functions.platform.sandbox_clock import ClockItem
from functions.platform.storage import keys
from functions.servicing.clock import advance, progress
from tests.builders.platform import START, Platform
from tests.integration.servicing.test_clock import DAY, _alarms, gathered, put_alarm

__all__ = ["_alarms"]


def test_it_waits_for_the_assessor_and_then_for_what_it_has_told(platform: Platform):
    put_alarm(platform, "a", START + DAY)
    advance(START + 3 * DAY)
    machine = gathered(platform)
    url, sqs = platform.settings.assessments_queue_url, platform.client("sqs")
    while progress().now == START:
        machine.sweeper()
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    for _ in range(8):
        machine.sweeper()
        machine.stream()
        machine.messenger()
    assert progress().now == START + DAY
    beacon = platform.tables.get(ClockItem, keys.CLOCK, consistent=True).beacon
    platform.drain(url)
    machine.run()
    assert progress().now == START + 3 * DAY
    assert platform.tables.get(ClockItem, keys.CLOCK, consistent=True).beacon > beacon

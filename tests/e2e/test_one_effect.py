"""One request, one effect (reliability R2): the same POST from many hands at once, and with lost acknowledgements."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from functions.platform.container import Container, install
from functions.platform.settings import Settings
from tests.builders.commands import COMMANDS, Prepared
from tests.builders.proxy import Proxy, running_proxy
from tests.builders.remote import RemoteShop
from tests.builders.shop import all_api
from tests.platform_fixture import RunningPlatform

pytestmark = pytest.mark.xdist_group("platform")
COPIES, MANY = 20, 200
_AGAIN = frozenset({409, 429, 503})
_MARKED = frozenset({"apply_for_credit"})
"""Their first transaction marks that a port is about to be asked: its answer lost, nothing has been done yet."""


@pytest.fixture
def shop(running_platform: RunningPlatform) -> RemoteShop:
    return RemoteShop(running_platform)


def insist(command: Prepared) -> httpx.Response:
    """Send it until it is answered for good, as a client does: "in progress" and "not now" say when to come back."""
    answer = command.send()
    for _ in range(60):
        if answer.status_code not in _AGAIN or answer.json()["code"] not in {
            "in_progress",
            "unavailable",
            "state_changed",
        }:
            break
        time.sleep(min(1.0, float(answer.headers.get("Retry-After", "0.2"))))
        answer = command.send()
    return answer


def require_one_effect(command: Prepared, answers: list[httpx.Response]) -> None:
    assert {answer.status_code // 100 for answer in answers} == {2}, [answer.text for answer in answers][:3]
    assert len({answer.status_code for answer in answers}) == 1
    assert len({answer.json().get("id") for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) <= 1
    assert command.effect() == command.wanted


def at_once(shop: RemoteShop, name: str, copies: int) -> None:
    command = COMMANDS[name](shop)
    with ThreadPoolExecutor(min(copies, 32)) as pool:
        answers = list(pool.map(lambda _: insist(command), range(copies)))
    require_one_effect(command, answers)


@pytest.mark.pain(16)
@pytest.mark.pain(23)
@pytest.mark.parametrize("name", COMMANDS)
def test_twenty_copies_at_once_are_one_effect(shop: RemoteShop, name: str) -> None:
    at_once(shop, name, COPIES)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_two_hundred_copies_at_once_are_one_effect(shop: RemoteShop, name: str) -> None:
    at_once(shop, name, MANY)


@pytest.fixture(scope="module")
def proxy(running_platform: RunningPlatform) -> Iterator[Proxy]:
    with running_proxy(running_platform.aws_endpoint) as made:
        yield made


@pytest.fixture
def behind_proxy(running_platform: RunningPlatform, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Proxy:
    """This process as one more of the platform's functions, with the proxy on its way to AWS."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    function = running_platform.ready["outputs"]["PayApiName"]
    deployed = running_platform.client("lambda").get_function_configuration(FunctionName=function)
    variables = deployed["Environment"]["Variables"]
    install(
        Container(
            Settings.from_environ(variables),
            {**variables, "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": proxy.url},
        )
    )
    proxy.clear()
    return proxy


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_conflicts_before_the_write_lead_to_one_effect(shop: RemoteShop, behind_proxy: Proxy, name: str) -> None:
    command = COMMANDS[name](shop)
    behind_proxy.conflict(0.5)
    first = all_api()("POST", command.path, dict(command.body), token=command.token, key=command.key)
    behind_proxy.clear()
    again = insist(command)
    if first.status != 503:
        assert (first.status, first.body.get("id")) == (again.status_code, again.json().get("id"))
        assert again.headers.get("Idempotent-Replayed") == "true"
    require_one_effect(command, [again])


@pytest.mark.pain(19)
@pytest.mark.parametrize("times", [1, 3], ids=["the client's own retry is answered", "every answer is lost"])
@pytest.mark.parametrize("name", COMMANDS)
def test_an_acknowledgement_lost_after_the_write_leads_to_the_same_resource(
    shop: RemoteShop, behind_proxy: Proxy, name: str, times: int
) -> None:
    command = COMMANDS[name](shop)
    api = all_api()
    behind_proxy.lose_answers(times)
    first = api("POST", command.path, dict(command.body), token=command.token, key=command.key)
    assert behind_proxy.fired(), "nothing was lost: the test proves nothing"
    behind_proxy.clear()
    again = insist(command)
    if first.status != 503:
        assert (first.status, first.body.get("id")) == (again.status_code, again.json().get("id"))
    require_one_effect(command, [again])
    if not (name in _MARKED and first.status == 503):
        assert again.headers.get("Idempotent-Replayed") == "true"

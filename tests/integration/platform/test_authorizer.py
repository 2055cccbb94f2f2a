"""Who is let in: a table of credentials, and none of them by accident."""

from __future__ import annotations

import base64
import fnmatch
import json
from datetime import timedelta

import jwt
import pytest
from chalice.app import AuthRequest

from functions.core.errors import UnauthorizedError, UnavailableError
from functions.platform import authorizer
from functions.platform.authorizer import identify, judge
from functions.platform.container import install
from functions.platform.credentials import MERCHANT_SCOPES, api_key, key_hash, key_item
from functions.platform.storage import keys
from functions.platform.storage.transactions import Delete, Put, WriteSet, commit
from functions.platform.tokens import CUSTOMER_AUDIENCE, CUSTOMER_ISSUER
from tests.builders.merchants import a_merchant
from tests.builders.platform import START
from tests.builders.tokens import STAFF_AUDIENCE, STAFF_ISSUER, signing_key, staff_token

HOUR = int((START + timedelta(hours=1)).timestamp())


def issue(platform, **expires):
    """An API key, and the item that judges it."""
    key = api_key(live=False)
    item = key_item(platform.secrets.key("lookup"), key, "mer_1", MERCHANT_SCOPES[:2], 3)
    for name, value in expires.items():
        setattr(item, name, value)
    commit(platform.tables, WriteSet.of(Put(item)))
    return key, item


def token(claims, *, key="customer-1", kid=None, algorithm="ES256", headers=None):
    signer = signing_key(key)
    good = {"iss": CUSTOMER_ISSUER, "aud": CUSTOMER_AUDIENCE, "sub": "cus_1", "sid": "ses_1", "exp": HOUR}
    body = {name: value for name, value in {**good, **claims}.items() if value is not None}
    return jwt.encode(body, signer.pem, algorithm=algorithm, headers={"kid": kid or key, **(headers or {})})


def unsigned(claims):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none', 'typ': 'JWT', 'kid': 'customer-1'})}.{part(claims)}."


def by_hmac_of_the_public_key():
    """The classic confusion: an HS256 tag made with what everybody knows."""
    import hashlib
    import hmac

    public = signing_key("customer-1").jwks.encode()
    head, body, _ = unsigned({"iss": CUSTOMER_ISSUER, "aud": CUSTOMER_AUDIENCE, "sub": "cus_1", "exp": HOUR}).split(".")
    head = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": "customer-1"}).encode()).decode().rstrip("=")
    tag = hmac.digest(public, f"{head}.{body}".encode(), hashlib.sha256)
    return f"{head}.{body}.{base64.urlsafe_b64encode(tag).decode().rstrip('=')}"


def nested(depth):
    deep = base64.urlsafe_b64encode(b"[" * depth + b"]" * depth).decode().rstrip("=")
    return f"{deep}.{deep}.{deep}"


def changed(text):
    head, body, tag = text.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    claims["sub"] = "cus_2"
    return f"{head}.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.{tag}"


REFUSED = {
    "none": lambda: None,
    "empty": lambda: "",
    "wrong scheme": lambda: f"Basic {token({})}",
    "no scheme": lambda: token({}),
    "nothing after the scheme": lambda: "Bearer ",
    "garbage": lambda: "Bearer garbage",
    "two parts": lambda: "Bearer a.b",
    "three parts of garbage": lambda: "Bearer a.b.c",
    "not ASCII": lambda: "Bearer schlüssel",
    "nested without end": lambda: f"Bearer {nested(4000)}",
    "expired": lambda: f"Bearer {token({'exp': int(START.timestamp())})}",
    "not yet": lambda: f"Bearer {token({'nbf': HOUR})}",
    "without end": lambda: f"Bearer {token({'exp': None})}",
    "without subject": lambda: f"Bearer {token({'sub': None})}",
    "end as text": lambda: f"Bearer {token({'exp': str(HOUR)})}",
    "beginning as text": lambda: f"Bearer {token({'nbf': 'now'})}",
    "alg=none": lambda: (
        f"Bearer {unsigned({'iss': CUSTOMER_ISSUER, 'aud': CUSTOMER_AUDIENCE, 'sub': 'cus_1', 'exp': HOUR})}"
    ),
    "HMAC of the public key": lambda: f"Bearer {by_hmac_of_the_public_key()}",
    "changed": lambda: f"Bearer {changed(token({}))}",
    "wrong audience": lambda: f"Bearer {token({'aud': STAFF_AUDIENCE})}",
    "no audience": lambda: f"Bearer {token({'aud': None})}",
    "wrong issuer": lambda: f"Bearer {token({'iss': 'https://elsewhere.test'})}",
    "unknown key": lambda: f"Bearer {token({}, key='mallory')}",
    "stranger's key under our key id": lambda: f"Bearer {token({}, key='mallory', kid='customer-1')}",
    "customer token signed by the staff's key": lambda: f"Bearer {token({}, key='staff-1')}",
    "staff claims signed by the customers' key": lambda: (
        f"Bearer {token({'iss': STAFF_ISSUER, 'aud': STAFF_AUDIENCE, 'roles': ['finance']})}"
    ),
    "staff token for another audience": lambda: f"Bearer {staff_token('finance', at=START, aud='another-app')}",
    "expired staff token": lambda: f"Bearer {staff_token('finance', at=START, exp=int(START.timestamp()) - 1)}",
    "key that never was": lambda: f"Bearer {api_key(live=False).text}",
    "key of another length": lambda: "Bearer sk_test_1234",
    "key with a blank": lambda: f"Bearer  {api_key(live=False).text}",
}


@pytest.mark.parametrize("case", REFUSED)
def test_is_refused_without_a_word(platform, case):
    with pytest.raises(UnauthorizedError):
        identify(REFUSED[case]())


def test_an_expired_key_is_refused_from_that_instant(platform):
    ends = int((START + timedelta(minutes=5)).timestamp() * 1000)
    key, _ = issue(platform, expires_at_ms=ends)
    assert identify(f"Bearer {key.text}")["kind"] == "merchant"
    platform.clock.advance(timedelta(minutes=5))
    with pytest.raises(UnauthorizedError):
        identify(f"Bearer {key.text}")


def test_business_time_opens_and_closes_no_door(platform):
    key, _ = issue(platform, expires_at_ms=int((START + timedelta(minutes=5)).timestamp() * 1000))
    platform.clock.advance_business(timedelta(days=90))
    assert identify(f"Bearer {key.text}")["id"] == "mer_1"
    assert identify(f"Bearer {token({})}")["id"] == "cus_1"


def test_a_revoked_key_is_refused_at_its_next_judging(platform):
    key, item = issue(platform)
    identify(f"Bearer {key.text}")
    commit(platform.tables, WriteSet.of(Delete(type(item), item.pk, item.sk)))
    with pytest.raises(UnauthorizedError):
        identify(f"Bearer {key.text}")


def test_a_key_gives_its_merchant_its_scopes_and_its_generation(platform):
    key, _ = issue(platform)
    assert identify(f"bearer {key.text}") == {
        "kind": "merchant",
        "id": "mer_1",
        "scopes": "payments:read payments:write",
        "key_id": key.id,
        "keys_version": "3",
    }


def test_a_key_is_stored_as_a_keyed_hash_only(platform):
    key, _ = issue(platform)
    assert key.text not in json.dumps(platform.items(), default=repr)
    assert key_hash(b"one", key.text) != key_hash(b"other", key.text)
    assert platform.items()[0]["pk"]["S"] == keys.api_key(key_hash(platform.secrets.key("lookup"), key.text))


def test_a_customer_is_who_the_token_says(platform):
    assert identify(f"Bearer {platform.customer_token('cus_7', 'ses_7')}") == {
        "kind": "customer",
        "id": "cus_7",
        "scopes": "customer",
        "session": "ses_7",
        "auth_time": str(int(platform.clock.wall().timestamp())),
    }


def test_staff_have_the_roles_there_are_and_no_others(platform):
    found = identify(f"Bearer {staff_token('finance', 'superuser', 'auditor', subject='stf_9', at=START)}")
    assert found == {"kind": "staff", "id": "stf_9", "scopes": "auditor finance"}


def test_groups_of_the_user_pool_are_roles(platform):
    text = staff_token(at=START, roles=None, **{"cognito:groups": ["reviewer"]})
    claims = jwt.decode(text, options={"verify_signature": False})
    assert claims["roles"] is None
    del claims["roles"]
    signer = signing_key("staff-1")
    again = jwt.encode(claims, signer.pem, algorithm="ES256", headers={"kid": signer.kid})
    assert identify(f"Bearer {again}")["scopes"] == "reviewer"


@pytest.mark.parametrize("roles", ["finance", {"finance": True}, None])
def test_roles_that_are_no_list_are_no_roles(platform, roles):
    assert identify(f"Bearer {staff_token(at=START, roles=roles)}")["scopes"] == ""


def test_without_published_keys_nobody_is_let_in(platform):
    platform.box.settings = type(platform.settings)(
        **{name: getattr(platform.settings, name) for name in platform.settings.__slots__} | {"customer_jwks": ""}
    )
    with pytest.raises(UnauthorizedError):
        identify(f"Bearer {token({})}")


def test_a_storage_that_is_away_is_not_a_refusal(platform):
    key, _ = issue(platform)
    with platform.failing("GetItem"), pytest.raises(UnavailableError):
        identify(f"Bearer {key.text}")


def test_the_gateway_is_told_exactly_unauthorized(platform):
    """API Gateway turns this text, and no other, into 401."""
    with pytest.raises(Exception, match=r"^Unauthorized$") as raised:
        judge.func(AuthRequest("TOKEN", "Bearer nobody", "arn"))
    assert type(raised.value) is Exception


def test_the_gateway_is_given_text_values_and_a_name_for_its_logs(platform):
    answer = judge.func(AuthRequest("TOKEN", f"Bearer {a_merchant().secret}", "arn"))
    assert all(isinstance(value, str) for value in answer.context.values())
    assert answer.principal_id.startswith("merchant:mer_")


def test_caches_are_dropped_on_request(platform):
    identify(f"Bearer {token({})}")
    authorizer.forget()
    assert authorizer._verifiers == {}
    install(platform.box)


@pytest.mark.parametrize("first", ["GET/v1/me", "POST/v1/authorizations/auth_1/captures"])
def test_the_policy_that_the_gateway_keeps_allows_every_route_of_the_api(platform, first):
    """It is kept for a minute under the credential: one that allowed the first route alone would refuse the next."""
    arn = "arn:aws:execute-api:eu-central-1:123456789012:abc123/api"
    request = AuthRequest("TOKEN", f"Bearer {a_merchant().secret}", f"{arn}/{first}")
    (statement,) = judge.func(request).to_dict(request)["policyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Allow", "execute-api:Invoke")
    (resource,) = statement["Resource"]
    for method, path in (("GET", "v1/authorizations"), ("DELETE", "v1/api-keys/key_1"), ("POST", "v1/quotes")):
        assert fnmatch.fnmatchcase(f"{arn}/{method}/{path}", resource)
    assert not fnmatch.fnmatchcase(f"{arn.replace('abc123', 'other')}/GET/v1/me", resource)

"""Where a webhook may go."""

from __future__ import annotations

import ipaddress
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.webhooks.address import UrlRefusedError, is_allowed, target_of


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.1", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254",        "169.254.170.2",
        "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.1", "198.18.0.1", "224.0.0.1",
        "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1",
        "2002:7f00:1::", "2001:0:7f00:1::", "not an address", "",
    ],
)  # fmt: skip
def test_what_is_not_a_public_address_is_refused(address: str):
    assert not is_allowed(address, loopback=False)


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_a_public_address_is_allowed(address: str):
    assert is_allowed(address, loopback=False)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_local_development_reaches_its_own_machine(address: str):
    assert is_allowed(address, loopback=True)


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "192.168.1.1", "fd00:ec2::254", "0.0.0.0"])
def test_local_development_reaches_nothing_else_that_is_private(address: str):
    assert not is_allowed(address, loopback=True)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_the_same_inside_ipv6(address: ipaddress.IPv4Address):
    assert is_allowed(str(address), loopback=False) == is_allowed(f"::ffff:{address}", loopback=False)


@given(st.ip_addresses())
def test_no_private_address_is_ever_allowed(address: ipaddress.IPv4Address | ipaddress.IPv6Address):
    bad = address.is_private or address.is_loopback or address.is_link_local or address.is_multicast
    assert not (bad and is_allowed(str(address), loopback=False))


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example.com/hooks", "ftp://shop.example.com", "//shop.example.com", "shop.example.com", "https://",
        "https:///hooks", "https://user:pass@shop.example.com/", "https://shop.example.com/#part",
        "https://shop.example.com:0/", "https://shop.example.com:99999/", "https://shop.example.com:port/",
        "https://shop", "https://localhost/", "https://db.local/", "https://a.internal/", "https://x.localhost/",
        "https://127.0.0.1/", "https://[::1]/", "https://127.1/", "https://2130706433/", "https://0x7f.0.0.1/",
        "https://0x7f000001/", "https://10.0.0.1/", "https://169.254.169.254/latest/meta-data", "https://[fd00:ec2::254]/",
        "https://[::ffff:127.0.0.1]/", "https://shop.example.com/a b", "https://shop.example.com/\n", "https://[::1",
        "https://shop.example.com\\@10.0.0.1/", "https://shop.example.com/ä", "https://localhost./",
        "https://shop.example.com/" + "x" * 500,
    ],
)  # fmt: skip
def test_a_url_that_can_not_be_public_is_refused(url: str):
    with pytest.raises(UrlRefusedError) as caught:
        target_of(url, loopback=False)
    assert caught.value.errors[0].pointer == "/url"


def test_a_url_comes_apart_into_what_a_connection_needs():
    target = target_of("https://Shop.example.com:8443/hooks?shop=1", loopback=False)
    assert (target.scheme, target.host, target.port) == ("https", "shop.example.com", 8443)
    assert (target.path, target.authority) == ("/hooks?shop=1", "Shop.example.com:8443")
    assert target_of("https://shop.example.com", loopback=False).path == "/"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/", "http://localhost:9000/", "http://[::1]:9000/"])
def test_plain_http_is_for_the_own_machine_alone(url: str):
    assert target_of(url, loopback=True).port == 9000
    with pytest.raises(UrlRefusedError):
        target_of(url, loopback=False)
    with pytest.raises(UrlRefusedError):
        target_of("http://shop.example.com/", loopback=True)


@given(st.text(max_size=80))
def test_no_text_makes_it_stumble(text: str):
    for url in (text, f"https://{text}", f"https://{text}/x"):
        with suppress(UrlRefusedError):
            target_of(url, loopback=False)

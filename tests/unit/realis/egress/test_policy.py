"""Which URLs and addresses the policies allow, and that refusals are clear and repeat nothing."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from realis.egress.policy import MAX_URL, Address, Configured, LoopbackOnly, PublicOnly, check_url
from realis.model.errors import InvalidInput
from tests.support.wording import german

REFUSED = {
    "http://push.example.org/x": "https://",
    "ftp://push.example.org/x": "https://",
    "https://push.example.org:8443/x": "Port 443",
    "https://user@push.example.org/x": "keine vollständige, lesbare",
    "https://@push.example.org/x": "keine vollständige, lesbare",
    "https://user:pass@push.example.org/x": "keine vollständige, lesbare",
    "http://127.0.0.1/x": "https://",
    "https://127.0.0.1/x": "IP-Adresse",
    "https://127.1/x": "IP-Adresse",
    "https://2130706433/": "IP-Adresse",
    "https://0x7f000001/": "IP-Adresse",
    "https://0x7f.0.0.1/": "IP-Adresse",
    "https://0177.0.0.1/": "IP-Adresse",
    "https://127.0.0.1./": "IP-Adresse",
    "https://push.example.0x1/": "IP-Adresse",
    "https://[::1]/": "IP-Adresse",
    "https://[::ffff:127.0.0.1]/": "IP-Adresse",
    "https://[fe80::1%25eth0]/": "IP-Adresse",
    "https://push.example.org./x": "öffentlichen Namen",
    "https://localhost/x": "öffentlichen Namen",
    "https://push.localhost/x": "öffentlichen Namen",
    "https://intranet/x": "öffentlichen Namen",
    "https://%31%32%37.0.0.1/": "IP-Adresse",
    "https://%6cocalhost.example/": "öffentlichen Namen",
    "https://-push.example.org/": "öffentlichen Namen",
    "https://push..example.org/": "öffentlichen Namen",
    "https://" + "a" * 64 + ".org/": "öffentlichen Namen",
    "https://１２７.0.0.1/": "keine vollständige, lesbare",
    "https://127。0。0。1/": "keine vollständige, lesbare",
    "https://push.example.org/a b": "keine vollständige, lesbare",
    "https://push.example.org/a\r\nHost: x": "keine vollständige, lesbare",
    "https://push.example.org\\@127.0.0.1/": "keine vollständige, lesbare",
    "https://push.example.org/#x": "keine vollständige, lesbare",
    "https:///x": "keine vollständige, lesbare",
    "/push": "keine vollständige, lesbare",
    "https://push.example.org:99999/": "keine vollständige, lesbare",
    "https://[::1": "keine vollständige, lesbare",
    "https://push.example.org/" + "x" * 5000: "zu lang",
}


@pytest.mark.parametrize(("url", "word"), REFUSED.items(), ids=range(len(REFUSED)))
def test_a_strangers_address_that_could_reach_inside_is_refused_in_words(url: str, word: str) -> None:
    """Each forbidden form gets an InvalidInput that names the fault and never repeats the address."""
    with pytest.raises(InvalidInput) as refused:
        check_url(url, PublicOnly())
    assert word in german(refused.value).title
    assert refused.value.where == "endpoint"
    assert url not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://updates.push.services.mozilla.com/wpush/v2/gAAAAA-_%2F",
        "https://fcm.googleapis.com:443/fcm/send/abc:def",
        "https://web.push.apple.com/QGuQ",
        "https://wns2-by3p.notify.windows.com/w/?token=BQYAAA%3d",
        "https://push.xn--mnchen-3ya.example/up?token=1",
        "https://push.example.org/" + "x" * (MAX_URL - 25),
    ],
)
def test_a_push_services_address_passes_unchanged(url: str) -> None:
    """Path and query are requested byte for byte as they were checked."""
    assert str(check_url(url, PublicOnly())) == url.replace(":443/", "/")


NOT_PUBLIC = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "::", "::1", "::ffff:127.0.0.1",
    "::ffff:8.8.8.8", "::127.0.0.1", "fe80::1", "fec0::1", "fd00::1", "ff02::1", "2001:db8::1",
    "2002:7f00:1::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "64:ff9b::7f00:1",
]  # fmt: skip


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_only_globally_routable_addresses_are_public(address: str) -> None:
    """Private, local, reserved, multicast, mapped and translated addresses are not."""
    assert not PublicOnly().allows(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "34.107.221.82", "2a00:1450:4001:80e::200a"])
def test_public_addresses_pass(address: str) -> None:
    """An ordinary server's address is allowed."""
    assert PublicOnly().allows(ip_address(address))


@given(st.ip_addresses())
def test_loopback_is_never_public_and_public_never_loopback(address: Address) -> None:
    """The two policies never allow the same address."""
    assert not (PublicOnly().allows(address) and LoopbackOnly().allows(address))


def test_loopback_policy_reaches_this_machine_only() -> None:
    """The demo's policy takes localhost and loopback literals, nothing else."""
    for url in ("http://localhost:8080/x", "http://127.0.0.1:1/", "https://[::1]:2/"):
        check_url(url, LoopbackOnly())
    for url in (
        "https://fcm.googleapis.com/x",
        "http://localhost.example.org/",
        "http://10.0.0.1/",
        "ftp://localhost/",
    ):
        with pytest.raises(InvalidInput):
            check_url(url, LoopbackOnly())


def test_configured_policy_knows_its_hosts_only() -> None:
    """The operator's services: exact names, https; http only where it was built for loopback."""
    policy = Configured({"social.example.org"})
    check_url("https://social.example.org/api/v1/statuses", policy)
    for url in ("http://social.example.org/", "https://x.social.example.org/", "https://example.org/"):
        with pytest.raises(InvalidInput):
            check_url(url, policy)
    inside = Configured({"localhost"}, loopback=True)
    check_url("http://localhost:3000/", inside)
    assert not inside.allows(ip_address("8.8.8.8"))


def test_the_checked_url_is_not_normalised() -> None:
    """Percent signs and case of the path stay as the service wrote them."""
    assert check_url("https://a.example/%7Eb%2fC?d=%3D", PublicOnly()) == URL(
        "https://a.example/%7Eb%2fC?d=%3D", encoded=True
    )

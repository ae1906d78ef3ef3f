"""Addresses become encrypted requests, each on its own."""

from __future__ import annotations

import pytest

from channels.webpush.encryption import padded
from channels.webpush.request_encryption import EncryptedRequest, RequestEncryptor, seal
from realis.egress.policy import PublicOnly
from realis.model.delivery import Failed, FailureKind
from realis.model.errors import InvalidInput
from tests.fakes.push_service import phone

RECORD = padded(b"Warnung")
ORIGIN = "https://push.example.org"


def test_each_phone_is_sealed_for_itself() -> None:
    """What a stranger's phone gets: its own body, and where it goes."""
    first = phone("https://Push.Example.org/a?b=c")
    sealed = seal(RECORD, first.address, PublicOnly())
    assert isinstance(sealed, EncryptedRequest)
    assert (sealed.host, sealed.origin, sealed.path) == ("push.example.org", ORIGIN, "/a?b=c")
    assert sealed.endpoint == first.endpoint
    assert first.read(sealed.body) == b"Warnung"


@pytest.mark.parametrize("address", ["{}", "", "[]", phone("https://127.0.0.1/b").address])
def test_what_cannot_be_reached_is_a_rejection_without_the_address(address: str) -> None:
    """A damaged row, an address inside."""
    refused = seal(RECORD, address, PublicOnly())
    assert isinstance(refused, Failed)
    assert refused.kind is FailureKind.REJECTED
    assert "127" not in refused.detail


@pytest.mark.parametrize(
    ("endpoint", "path"),
    [
        (f"{ORIGIN}/a/b?c=%20d", "/a/b?c=%20d"),
        ("https://Push.Example.ORG:443/a", "/a"),
        (ORIGIN, "/"),
        (f"{ORIGIN}?a", "/?a"),
    ],
)
def test_a_phone_of_the_service_gets_its_path_and_body(endpoint: str, path: str) -> None:
    """The origin is checked once, the rest per phone."""
    one = phone(endpoint)
    sealed = RequestEncryptor(RECORD, ORIGIN, PublicOnly()).seal(one.address)
    assert not isinstance(sealed, Failed)
    assert sealed[0] == path
    assert one.read(sealed[1]) == b"Warnung"


@pytest.mark.parametrize(
    "endpoint",
    [
        f"{ORIGIN}.evil.example/a",
        f"{ORIGIN}@evil.example/a",
        f"{ORIGIN}:8443/a",
        f"{ORIGIN}/a\r\nHost: evil.example",
        f"{ORIGIN}/a b",
        f"{ORIGIN}/a#b",
        f"{ORIGIN}/ä",
        f"{ORIGIN}/" + "a" * 3000,
        "https://fcm.googleapis.com/a",
        "http://push.example.org/a",
        "",
    ],
)
def test_what_is_not_at_the_service_never_takes_its_fast_way(endpoint: str) -> None:
    """A look-alike, another port, something that would break the request: rejected."""
    refused = RequestEncryptor(RECORD, ORIGIN, PublicOnly()).seal(phone(endpoint).address)
    assert isinstance(refused, Failed)
    assert refused.kind is FailureKind.REJECTED
    assert "example" not in refused.detail


@pytest.mark.parametrize("origin", ["https://127.0.0.1", "http://push.example.org", "https://push.example.org:8443"])
def test_a_forbidden_origin_has_no_fast_way(origin: str) -> None:
    """The policy is asked before anything is sealed."""
    with pytest.raises(InvalidInput):
        RequestEncryptor(RECORD, origin, PublicOnly())

"""Targets become encrypted requests, each on its own."""

from __future__ import annotations

from channels.webpush_crypto import padded
from channels.webpush_seal import Sealed, seal
from realis.delivery import Failed, FailureKind
from realis.egress_policy import PublicOnly
from realis.ports import Target
from tests.fakes.push_service import phone


def test_each_target_is_sealed_for_its_own_phone() -> None:
    """In order; one that cannot be reached is a rejection and costs the others nothing."""
    first, inside, last = (
        phone("https://Push.Example.org/a"),
        phone("https://127.0.0.1/b"),
        phone("https://fcm.googleapis.com/c"),
    )
    targets = [first.target(1), inside.target(2), Target(3, "{}", "de"), last.target(4)]
    a, b, damaged, c = seal(padded(b"Warnung"), targets, PublicOnly())
    assert isinstance(a, Sealed)
    assert isinstance(c, Sealed)
    assert (a.host, a.origin, a.endpoint) == ("push.example.org", "https://push.example.org", first.endpoint)
    assert (first.read(a.body), last.read(c.body)) == (b"Warnung", b"Warnung")
    for refused in (b, damaged):
        assert isinstance(refused, Failed)
        assert refused.kind is FailureKind.REJECTED
        assert "127" not in refused.detail

"""What a browser hands in becomes a stored address, or a clear refusal."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.webpush.subscription import DamagedAddressError, is_known_service, parse_subscription, read_address
from realis.egress.policy import LoopbackOnly, PublicOnly
from realis.model.errors import InvalidInput
from tests.fakes.push_service import encoded, phone, point
from tests.support.wording import german

PHONE = phone("https://updates.push.services.mozilla.com/wpush/v2/gAAA-_")
KEYS = {"p256dh": encoded(point(PHONE.key.public_key())), "auth": encoded(PHONE.auth)}


def test_a_browsers_subscription_is_stored_and_read_again() -> None:
    """endpoint, p256dh, auth survive; the origin is what VAPID signs for."""
    address, origin = parse_subscription(PHONE.subscription, PublicOnly())
    assert json.loads(address) == {"endpoint": PHONE.endpoint, **KEYS}
    assert origin == "https://updates.push.services.mozilla.com"
    assert read_address(address).receiver.point == point(PHONE.key.public_key())


def test_flat_and_padded_forms_are_the_same_subscription() -> None:
    """Keys beside the endpoint, or with base64 padding, give the same stored text."""
    flat = {"endpoint": PHONE.endpoint, "p256dh": KEYS["p256dh"] + "=", "auth": KEYS["auth"] + "=="}
    assert parse_subscription(flat, PublicOnly()) == parse_subscription(PHONE.subscription, PublicOnly())


def test_the_origin_keeps_another_port_and_drops_the_default_one() -> None:
    """Lower case, no :443; loopback test services keep theirs."""
    upper = {**PHONE.subscription, "endpoint": "https://Push.Example.ORG:443/x"}
    assert parse_subscription(upper, PublicOnly())[1] == "https://push.example.org"
    local = {**PHONE.subscription, "endpoint": "http://127.0.0.1:8222/x"}
    assert parse_subscription(local, LoopbackOnly())[1] == "http://127.0.0.1:8222"


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (None, "subscription"),
        ([], "subscription"),
        ({}, "endpoint"),
        ({"endpoint": 5, "keys": KEYS}, "endpoint"),
        ({"endpoint": PHONE.endpoint, "keys": 5}, "keys"),
        ({"endpoint": PHONE.endpoint, "keys": {}}, "p256dh"),
        ({"endpoint": PHONE.endpoint, "keys": {**KEYS, "p256dh": KEYS["p256dh"][:-4]}}, "p256dh"),
        ({"endpoint": PHONE.endpoint, "keys": {**KEYS, "p256dh": encoded(b"\x04" + b"\x01" * 64)}}, "p256dh"),
        ({"endpoint": PHONE.endpoint, "keys": {**KEYS, "p256dh": "ü" * 87}}, "p256dh"),
        ({"endpoint": PHONE.endpoint, "keys": {**KEYS, "p256dh": "A" * 100_000}}, "p256dh"),
        ({"endpoint": PHONE.endpoint, "keys": {**KEYS, "auth": encoded(b"x" * 15)}}, "auth"),
        ({"endpoint": PHONE.endpoint, "keys": {**KEYS, "auth": "!" * 22}}, "auth"),
        ({"endpoint": PHONE.endpoint, "keys": {**KEYS, "auth": None}}, "auth"),
        ({"endpoint": "http://127.0.0.1/x", "keys": KEYS}, "endpoint"),
        ({"endpoint": "https://[::ffff:127.0.0.1]/x", "keys": KEYS}, "endpoint"),
        ({"endpoint": "https://2130706433/x", "keys": KEYS}, "endpoint"),
        ({"endpoint": "https://a.example/" + "x" * 5000, "keys": KEYS}, "endpoint"),
    ],
)
def test_what_cannot_be_a_subscription_is_refused_in_words(data: object, where: str) -> None:
    """The error names the part, says what to do, and repeats no key or address."""
    with pytest.raises(InvalidInput) as refused:
        parse_subscription(data, PublicOnly())
    assert refused.value.where == where
    assert german(refused.value).remedy
    assert KEYS["p256dh"][:20] not in str(refused.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["endpoint", "keys", "p256dh", "auth", "x"]), inner)
    ),
)


@given(JSON)
def test_no_json_breaks_the_parser(data: object) -> None:
    """Whatever is posted ends in a refusal, never in another error."""
    with pytest.raises(InvalidInput):
        parse_subscription(data, PublicOnly())


@pytest.mark.parametrize("text", ["", "{", "[]", "5", '{"endpoint": "https://a.example/"}', '{"p256dh":1,"auth":"x"}'])
def test_a_damaged_stored_address_is_a_value_error(text: str) -> None:
    """The channel turns it into one rejected target, not into a failed batch."""
    with pytest.raises(DamagedAddressError):
        read_address(text)


def test_the_big_services_are_known() -> None:
    """By exact host or suffix, not by lookalikes."""
    assert all(
        map(
            is_known_service,
            (
                "fcm.googleapis.com",
                "updates.push.services.mozilla.com",
                "web.push.apple.com",
                "wns2-by3p.notify.windows.com",
            ),
        )
    )
    assert not any(
        map(is_known_service, ("push.example.org", "evilfcm.googleapis.com", "web.push.apple.com.example.org"))
    )

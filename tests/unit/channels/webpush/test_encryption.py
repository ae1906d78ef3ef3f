"""RFC 8291 encryption: the standard's own example, an implementation by others, and any content."""

from __future__ import annotations

from base64 import urlsafe_b64decode

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.webpush.encryption import (
    MAX_PLAINTEXT,
    PADDED_SIZES,
    KeyUnusableError,
    encrypt,
    padded,
    receiver,
)
from tests.fakes.push_service import encoded, phone, point

PHONE = phone("https://push.example.org/1")
TO = receiver(point(PHONE.key.public_key()), PHONE.auth)


def raw(text: str) -> bytes:
    """Base64url as the RFC prints it."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_the_example_of_rfc_8291_comes_out_byte_for_byte() -> None:
    """RFC 8291, section 5: given its keys and salt, our body is the standard's body."""
    private = ec.derive_private_key(
        int.from_bytes(raw("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big"), ec.SECP256R1()
    )
    to = receiver(
        raw("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
        raw("BTBZMqHH6r4Tts7J_aSIgg"),
    )
    body = encrypt(
        b"When I grow up, I want to be a watermelon\x02", to, salt=raw("DGv6ra1nlYgDCS1FRnbzlw"), key=private
    )
    assert encoded(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz"
        "AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=MAX_PLAINTEXT))
def test_whatever_fits_comes_back_from_http_ece(plaintext: bytes) -> None:
    """Any content up to the limit is read by an implementation we did not write, and fits every service."""
    body = encrypt(padded(plaintext), TO)
    assert PHONE.read(body) == plaintext
    assert len(body) <= 2744


@given(st.integers(0, MAX_PLAINTEXT))
def test_a_body_tells_little_about_its_content(length: int) -> None:
    """Only a few lengths leave the house."""
    assert len(padded(b"x" * length)) in PADDED_SIZES


def test_what_does_not_fit_is_refused() -> None:
    """One byte too many is an error here, not a 4,097-byte body at the service."""
    with pytest.raises(ValueError, match="longer than"):
        padded(b"x" * (MAX_PLAINTEXT + 1))


def test_no_two_messages_share_key_or_salt() -> None:
    """Each message has its own ephemeral key and salt."""
    heads = {encrypt(padded(b"x"), TO)[:86] for _ in range(20)}
    assert len({head[:16] for head in heads}) == len({head[21:] for head in heads}) == 20


def test_another_phone_cannot_read_it() -> None:
    """The body is for one receiver."""
    with pytest.raises(http_ece.ECEException):
        phone("https://push.example.org/2").read(encrypt(padded(b"x"), TO))


@pytest.mark.parametrize(
    ("key", "auth"),
    [
        (b"\x04" + b"\x01" * 64, PHONE.auth),
        (b"\x04" + bytes(64), PHONE.auth),
        (b"\x05" + TO.point[1:], PHONE.auth),
        (TO.point[:-1], PHONE.auth),
        (TO.point, PHONE.auth[:-1]),
        (b"", b""),
    ],
    # The keys are drawn anew in every process, and the processes of a run must agree on the names.
    ids=["not-on-the-curve", "zeros", "no-point", "short-key", "short-auth", "empty"],
)
def test_unusable_keys_are_refused(key: bytes, auth: bytes) -> None:
    """Points off the curve and wrong lengths never reach the cipher."""
    with pytest.raises(KeyUnusableError):
        receiver(key, auth)

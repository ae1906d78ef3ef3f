"""Signatures over CAP messages: what holds, what does not, and what may be trusted."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from realis.cap.reader import read
from realis.cap.signature import SignatureState, XmlSigner, verify
from realis.cap.writer import write
from realis.keystore.keys import Keys
from realis.model.errors import ConfigurationError, SigningFailed
from tests.data.cap import sample, xsd_valid


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """A fresh key store."""
    return Keys.open(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def signed(keys: Keys) -> bytes:
    """A message of ours, signed."""
    return keys.cap_signer().sign(write(read(sample("weather_languages")).alert))


def test_a_signed_message_is_schema_valid_and_verifies(keys: Keys, signed: bytes) -> None:
    """The signature stands where CAP allows it, and holds against the pinned certificate."""
    assert xsd_valid(signed)
    verdict = verify(signed, keys.cap_certificate, datetime(2026, 3, 1, tzinfo=UTC))
    assert verdict.state is SignatureState.VALID
    assert verdict.signed is not None
    assert b"Signature" not in verdict.signed


def test_the_reader_says_what_it_knows_of_a_signature(keys: Keys, signed: bytes) -> None:
    """Without a certificate a message is read and marked unchecked; with one it is valid and unchanged."""
    unchecked = read(signed)
    assert unchecked.signature.state is SignatureState.UNCHECKED
    assert [finding.rule for finding in unchecked.problems] == ["signature-unchecked"]
    checked = read(signed, certificate_pem=keys.cap_certificate)
    assert checked.signature.state is SignatureState.VALID
    assert checked.problems == ()
    assert checked.alert == unchecked.alert


def test_indenting_after_signing_does_no_harm(keys: Keys, signed: bytes) -> None:
    """Blanks that a sender's tool added between elements are not held against the message."""
    bare = etree.fromstring(sample("expired"), etree.XMLParser(remove_blank_text=True))
    root = etree.fromstring(keys.cap_signer().sign(etree.tostring(bare)))
    etree.indent(root)
    assert verify(etree.tostring(root), keys.cap_certificate).state is SignatureState.VALID


def test_a_changed_message_is_read_and_called_invalid(keys: Keys, signed: bytes) -> None:
    """A message whose text was changed after signing is not refused, but its signature is called invalid."""
    result = read(signed.replace(b"75 km/h", b"15 km/h"), certificate_pem=keys.cap_certificate)
    assert result.signature.state is SignatureState.INVALID
    assert "signature-invalid" in {finding.rule for finding in result.problems}


def test_a_certificate_the_message_brings_is_not_believed(signed: bytes, tmp_path: Path) -> None:
    """A message signed by somebody else does not verify, though it carries its own certificate."""
    other = Keys.open(tmp_path / "other")
    assert verify(signed, other.cap_certificate).state is SignatureState.INVALID


def test_wrapping_does_not_smuggle_anything_in(keys: Keys, signed: bytes) -> None:
    """A signed message moved inside a forged one does not make the forged one valid."""
    genuine = etree.fromstring(signed)
    signature = genuine.find("{http://www.w3.org/2000/09/xmldsig#}Signature")
    assert signature is not None
    forged = etree.fromstring(sample("expired"))
    forged.append(signature)
    holder = etree.SubElement(signature, "{http://www.w3.org/2000/09/xmldsig#}Object")
    holder.append(genuine)
    assert verify(etree.tostring(forged), keys.cap_certificate).state is SignatureState.INVALID


def test_a_message_without_signature_is_absent(keys: Keys) -> None:
    """No signature is no flaw."""
    assert verify(sample("expired"), keys.cap_certificate).state is SignatureState.ABSENT


def test_a_broken_key_stops_the_signing(keys: Keys) -> None:
    """Whatever goes wrong with key, certificate or message is SigningFailed, so that the release stops."""
    xml = write(read(sample("expired")).alert)
    key = keys.cap_signer().key_pem
    for signer in (
        XmlSigner(b"nonsense", keys.cap_certificate),
        XmlSigner(key, b"nonsense"),
        XmlSigner(key, keys.cap_certificate.replace(b"A", b"B", 3)),
    ):
        with pytest.raises(SigningFailed):
            signer.sign(xml)
    with pytest.raises(SigningFailed):
        keys.cap_signer().sign(b"not xml")


def test_a_key_that_does_not_fit_its_certificate_stops_the_signing(keys: Keys, tmp_path: Path) -> None:
    """A mixed-up pair of files is noticed at once, not by the receivers."""
    other = Keys.open(tmp_path / "other")
    with pytest.raises(SigningFailed, match="own-signature-invalid"):
        XmlSigner(other.cap_signer().key_pem, keys.cap_certificate).sign(sample("expired"))


def test_a_bad_pinned_certificate_is_a_setting_at_fault(signed: bytes) -> None:
    """A pinned certificate that is none is told to the administration, not blamed on the message."""
    with pytest.raises(ConfigurationError):
        verify(signed, b"nonsense")


def test_the_key_is_not_shown(keys: Keys) -> None:
    """A signer in a log or traceback shows no private key."""
    assert "PRIVATE" not in repr(keys.cap_signer())

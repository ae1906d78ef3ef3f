"""XML signatures over CAP messages (CAP 1.2, 3.3.4.1): enveloped, ECDSA P-256 with SHA-256.

Only a pinned certificate is trusted; a certificate inside the message is ignored.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from lxml import etree
from signxml.algorithms import (
    CanonicalizationMethod,
    DigestAlgorithm,
    SignatureConstructionMethod,
    SignatureMethod,
)
from signxml.exceptions import SignXMLException
from signxml.signer import XMLSigner
from signxml.verifier import SignatureConfiguration, XMLVerifier

from realis.cap.xml import DS, parse
from realis.model.errors import ConfigurationError, RealisError, SigningFailed

_FAILURES = (SignXMLException, etree.LxmlError, UnsupportedAlgorithm, ValueError, TypeError, KeyError)


class SignatureState(StrEnum):
    """The state of a message's signature."""

    ABSENT = "absent"
    UNCHECKED = "unchecked"
    VALID = "valid"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class SignatureVerdict:
    """The result of a signature check.

    Args:
        detail: why it is unchecked or invalid; empty otherwise.
        signed: what was signed, canonical, without the signature; only with VALID. Use this and nothing else.
    """

    state: SignatureState
    detail: str = ""
    signed: bytes | None = None


@dataclass(frozen=True, slots=True)
class XmlSigner:
    """Signs with one key; its certificate is included in the signature (``KeyInfo``)."""

    key_pem: bytes = field(repr=False)
    certificate_pem: bytes

    def sign(self, xml: bytes) -> bytes:
        """The message with its signature as last child of ``alert``. Raises ``SigningFailed``."""
        try:
            signed = self._signer().sign(
                parse(xml), key=self._key(), cert=[x509.load_pem_x509_certificate(self.certificate_pem)]
            )
            # Checked before it is issued: a key that does not fit its certificate would make every warning invalid.
            verdict = verify(etree.tostring(signed), self.certificate_pem)
        except (*_FAILURES, RealisError) as error:
            raise SigningFailed("message-not-signed") from error
        if verdict.state is not SignatureState.VALID:
            raise SigningFailed("own-signature-invalid", detail=verdict.detail)
        return etree.tostring(signed, xml_declaration=True, encoding="UTF-8")

    def _signer(self) -> XMLSigner:
        return XMLSigner(
            method=SignatureConstructionMethod.enveloped,
            signature_algorithm=SignatureMethod.ECDSA_SHA256,
            digest_algorithm=DigestAlgorithm.SHA256,
            c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
        )

    def _key(self) -> ec.EllipticCurvePrivateKey:
        key = load_pem_private_key(self.key_pem, password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("the CAP signing key is not an elliptic-curve key")
        return key


def has_signature(root: etree._Element) -> bool:
    """Whether the message carries a signature where CAP allows one: as a child of ``alert``."""
    return root.find(f"{{{DS}}}Signature") is not None


def verify(xml: bytes, certificate_pem: bytes, at: datetime | None = None) -> SignatureVerdict:
    """Return whether the message was signed with the pinned certificate's key, and the exact bytes that were signed.

    Args:
        at: the instant the certificate must be valid at (the message's ``sent``); None means now.

    Raises:
        UnreadableMessage: the message is not safe to read.
        ConfigurationError: the certificate is not one.
    """
    root = parse(xml)
    if not has_signature(root):
        return SignatureVerdict(SignatureState.ABSENT)
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem)
    except ValueError as error:
        raise ConfigurationError("Das hinterlegte Zertifikat ist kein PEM-Zertifikat.") from error
    config = SignatureConfiguration(location="./", expect_references=1, verification_time=at)
    first = _verified(root, certificate, config)
    if first.state is SignatureState.VALID:
        return first
    # Some senders indent a message after signing it; without those blanks the signature holds again.
    second = _verified(parse(xml, without_blanks=True), certificate, config)
    return second if second.state is SignatureState.VALID else first


def _verified(root: etree._Element, certificate: x509.Certificate, config: SignatureConfiguration) -> SignatureVerdict:
    try:
        result = XMLVerifier().verify(root, x509_cert=certificate, expect_config=config)
    except _FAILURES as error:
        return SignatureVerdict(SignatureState.INVALID, str(error).strip() or type(error).__name__)
    found = result[0] if isinstance(result, list) else result
    # Else a signature over one element would vouch for the rest of the message (signature wrapping).
    if found.signed_xml is None or found.signed_xml.tag != root.tag:
        return SignatureVerdict(SignatureState.INVALID, "Signiert ist nicht die ganze Nachricht.")
    return SignatureVerdict(SignatureState.VALID, signed=found.signed_data)

"""The key store: made once, kept private, and each key fit for its use."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from joserfc import jws, jwt
from joserfc.jwk import ECKey
from joserfc.util import urlsafe_b64decode

from realis.keystore.files import KINDS
from realis.keystore.keys import Keys
from realis.model.errors import ConfigurationError, InvalidInput

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    """A fresh key store."""
    return Keys.open(tmp_path / "keys")


def test_keys_are_made_once_and_found_again(keys: Keys) -> None:
    """Opening again gives the same keys."""
    again = Keys.open(keys.directory, create=False, expect_existing=True)
    assert again.current == keys.current
    assert set(again.current) == set(KINDS)
    assert again.open_sealed(keys.seal("x", "c"), "c") == "x"


def test_files_are_private(keys: Keys) -> None:
    """The directory is 0700 and every file in it 0600."""
    assert keys.directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in keys.directory.iterdir()} == {0o600}


def test_a_file_others_can_read_stops_the_start(keys: Keys) -> None:
    """A key that others may have read is not used in silence."""
    path = next(keys.directory.glob("vapid-*.pem"))
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="dürfen"):
        Keys.open(keys.directory)


def test_two_first_starts_make_one_set(tmp_path: Path) -> None:
    """Processes that start at once end up with the same keys."""
    code = (
        "import sys, json, pathlib; from realis.keystore.keys import Keys; "
        "print(json.dumps(dict(Keys.open(pathlib.Path(sys.argv[1])).current)))"
    )

    def start(_: int) -> str:
        command = [sys.executable, "-c", code, str(tmp_path / "keys")]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    with ThreadPoolExecutor(3) as pool:
        made = set(pool.map(start, range(3)))
    assert len(made) == 1
    assert len(list((tmp_path / "keys").glob("vapid-*.pem"))) == 1


def test_missing_keys_stop_the_start_where_subscriptions_exist(tmp_path: Path) -> None:
    """A new VAPID key would silence every subscription, so none is made and the remedy is named."""
    with pytest.raises(ConfigurationError, match="vapid") as caught:
        Keys.open(tmp_path / "keys", expect_existing=True)
    assert "Sicherung" in caught.value.remedy
    assert not list((tmp_path / "keys").glob("*.pem"))


def test_a_lost_key_file_is_named(keys: Keys) -> None:
    """A key that current.json names but that is gone is never replaced in silence."""
    next(keys.directory.glob("vapid-*.pem")).unlink()
    with pytest.raises(ConfigurationError, match="vapid-"):
        Keys.open(keys.directory)


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"cap": "../../etc"}', b'{"cap": 1}'])
def test_a_damaged_index_is_named(keys: Keys, content: bytes) -> None:
    """A current.json that cannot be read stops the start."""
    (keys.directory / "current.json").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"current\.json"):
        Keys.open(keys.directory)


def test_a_damaged_key_is_named(keys: Keys) -> None:
    """A key file that holds no key stops the start, not the first signature."""
    next(keys.directory.glob("frame-*.pem")).write_bytes(b"nonsense")
    with pytest.raises(ConfigurationError, match="beschädigt"):
        Keys.open(keys.directory)


def test_sealed_text_opens_only_whole_and_in_its_context(keys: Keys, tmp_path: Path) -> None:
    """A changed byte, another context, a cut or another store's key are each refused."""
    blob = keys.seal("https://push.example/ü", "webpush")
    assert keys.open_sealed(blob, "webpush") == "https://push.example/ü"
    assert keys.seal("same", "c") != keys.seal("same", "c")
    damaged = blob[:-1] + bytes([blob[-1] ^ 1])
    other = Keys.open(tmp_path / "other").seal("x", "webpush")
    for bad, context in (
        (damaged, "webpush"),
        (blob, "telegram"),
        (blob[:9], "webpush"),
        (b"", ""),
        (other, "webpush"),
    ):
        with pytest.raises(InvalidInput):
            keys.open_sealed(bad, context)


def test_what_an_older_key_sealed_still_opens(keys: Keys) -> None:
    """After a new key is made, the older one stays readable: that is what the key id is for."""
    blob = keys.seal("alt", "c")
    index = keys.directory / "current.json"
    entries = json.loads(index.read_text())
    del entries["seal"]
    index.write_text(json.dumps(entries))
    renewed = Keys.open(keys.directory)
    assert renewed.current["seal"] != keys.current["seal"]
    assert renewed.open_sealed(blob, "c") == "alt"
    assert renewed.open_sealed(renewed.seal("neu", "c"), "c") == "neu"


def test_fingerprints_are_keyed_and_stable(keys: Keys, tmp_path: Path) -> None:
    """The same text gives the same fingerprint here, and another one elsewhere."""
    assert keys.fingerprint("a") == Keys.open(keys.directory).fingerprint("a")
    assert keys.fingerprint("a") != keys.fingerprint("b")
    assert keys.fingerprint("a") != Keys.open(tmp_path / "other").fingerprint("a")
    assert len(keys.fingerprint("a")) == 64


def test_frames_verify_against_the_published_key(keys: Keys) -> None:
    """A screen that pinned the JWK can verify a frame; the JWK holds nothing private."""
    signer = keys.frame_signer()
    frame = signer.sign(b'{"v":1}')
    jwk = dict(signer.public_jwk)
    assert "d" not in jwk
    found = jws.deserialize_compact(frame, ECKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y")}))
    assert found.payload == b'{"v":1}'
    assert found.headers() == {"alg": "ES256", "kid": jwk["kid"]}


def test_vapid_follows_rfc_8292(keys: Keys) -> None:
    """The header carries a token for the origin, 12 hours long, and the key it verifies against."""
    vapid = keys.vapid("mailto:warnung@example.org")
    point = urlsafe_b64decode(vapid.public_key.encode())
    assert (len(point), point[0], "=" in vapid.public_key) == (65, 4, False)
    scheme, _, rest = vapid.authorization("https://push.example", NOW).partition(" ")
    token, key = (part.split("=", 1)[1] for part in rest.split(", "))
    assert (scheme, key) == ("vapid", vapid.public_key)
    public = ECKey.import_key(next(keys.directory.glob("vapid-*.pem")).read_bytes())
    decoded = jwt.decode(token, public)
    assert decoded.header == {"typ": "JWT", "alg": "ES256"}
    assert decoded.claims == {
        "aud": "https://push.example",
        "exp": int((NOW + timedelta(hours=12)).timestamp()),
        "sub": "mailto:warnung@example.org",
    }


def test_vapid_makes_one_token_per_origin_and_hour(keys: Keys) -> None:
    """Within an hour a service sees the same token; then, or elsewhere, or after a clock jump, a new one."""
    vapid = keys.vapid("https://example.org/kontakt")
    first = vapid.authorization("https://a.example", NOW)
    assert vapid.authorization("https://a.example", NOW + timedelta(minutes=59)) == first
    assert vapid.authorization("https://b.example", NOW) != first
    assert vapid.authorization("https://a.example", NOW + timedelta(hours=1)) != first
    assert vapid.authorization("https://a.example", NOW - timedelta(hours=1)) != first


def test_vapid_needs_a_contact(keys: Keys) -> None:
    """A subject push services would refuse is a setting at fault."""
    with pytest.raises(ConfigurationError):
        keys.vapid("warnung@example.org")


def test_the_certificate_is_for_signing_only(keys: Keys) -> None:
    """The self-signed certificate is no authority and may sign."""
    certificate = x509.load_pem_x509_certificate(keys.cap_certificate)
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    assert certificate.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature is True


def test_nothing_private_is_shown(keys: Keys) -> None:
    """Keys in a log or traceback show no secret."""
    shown = repr((keys, keys.frame_signer(), keys.vapid("mailto:a@b.example"), keys.cap_signer()))
    assert "PRIVATE" not in shown
    assert repr(next(keys.directory.glob("seal-*.key")).read_bytes()) not in shown

"""New keys in a whole installation: what was signed and sealed before the rotation stays good after it."""

from __future__ import annotations

from pathlib import Path

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from realis.cap.signature import SignatureState, verify
from realis.keystore.files import announce, rotation
from tests.fakes.push_service import phone
from tests.support.installation import Installation, installation, settings


async def signed(running: Installation) -> bytes:
    """The CAP file of a warning just issued."""
    incident = await running.issue(running.content("altstadt", channels=("feeds",)))
    (issued,) = await running.core.desk.overview.chain(incident)
    return await fetched(running, f"/cap/{issued.alert.identifier}.xml")


async def fetched(running: Installation, path: str) -> bytes:
    """What everybody gets there."""
    async with aiohttp.ClientSession() as session, session.get(running.url + path) as answer:
        assert answer.status == 200, path
        return await answer.read()


def fits(xml: bytes, bundle: bytes) -> int:
    """Which of the published certificates signed this, counted from 0."""
    found = [
        number
        for number, one in enumerate(x509.load_pem_x509_certificates(bundle))
        if verify(xml, one.public_bytes(Encoding.PEM)).state is SignatureState.VALID
    ]
    assert len(found) == 1
    return found[0]


async def test_both_certificates_are_published_and_old_addresses_open(tmp_path: Path) -> None:
    """A reader finds the certificate of every warning; a phone that subscribed before the rotation is still there."""
    config = settings(tmp_path)
    folder = config.data_dir / "keys"
    async with installation(tmp_path, config=config) as running:
        target = await running.subscribe(phone("http://127.0.0.1:9/1"), "hafen")
        first = await signed(running)
        assert fits(first, await fetched(running, "/cap/certificates.pem")) == 0
        announce(folder, "cap")
        assert (await fetched(running, "/cap/certificates.pem")).count(b"BEGIN") == 2
        for kind in ("cap", "seal"):
            with rotation(folder, kind):
                pass
    async with installation(tmp_path, config=config) as running:
        bundle = await fetched(running, "/cap/certificates.pem")
        assert (fits(await signed(running), bundle), fits(first, bundle)) == (0, 1)
        again = await running.subscribe(phone("http://127.0.0.1:9/1"), "hafen")
        assert again == target
        await running.subscribe(phone("http://127.0.0.1:9/2"), "hafen")
        assert await running.core.targets.count("webpush") == 2

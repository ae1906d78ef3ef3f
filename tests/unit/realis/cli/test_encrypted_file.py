"""The sealed file: opens whole and unchanged with its passphrase, and in no other case."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realis.cli import encrypted_file
from realis.cli.encrypted_file import CHUNK, MAGIC, EncryptedReader, EncryptedWriter
from realis.model.errors import CommandError

WORDS = "Zaun Mond Brot"
HEADER, SEALED = len(MAGIC) + 23, CHUNK + 16


@pytest.fixture(autouse=True, scope="module")
def quick() -> Iterator[None]:
    """Guessing may be cheap here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encrypted_file, "SCRYPT_N", 2**4)
        yield


@cache
def three_chunks() -> bytes:
    """A sealed file of two full chunks and a short one."""
    return sealed(bytes(2 * CHUNK + 100), pieces=CHUNK)


def sealed(data: bytes, *, pieces: int = 1000) -> bytes:
    """The data sealed, written in pieces."""
    file = io.BytesIO()
    with EncryptedWriter(file, WORDS) as writer:
        for start in range(0, len(data), pieces):
            writer.write(data[start : start + pieces])
    return file.getvalue()


def opened(content: bytes, passphrase: str = WORDS) -> bytes:
    """What the file holds, read to its end."""
    reader, found = EncryptedReader(io.BytesIO(content), passphrase), bytearray()
    while piece := reader.read(777):
        found += piece
    reader.finish()
    return bytes(found)


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 5])
def test_every_size_comes_back(size: int) -> None:
    """Also nothing, and exactly full chunks."""
    data = bytes(index % 251 for index in range(size))
    assert opened(sealed(data)) == data


def test_another_passphrase_opens_nothing() -> None:
    """And is said to be the reason, or a damage."""
    with pytest.raises(CommandError, match="Passphrase stimmt nicht"):
        opened(sealed(b"x"), "Zaun Mond Brod")


@given(st.integers(0, HEADER + 2 * SEALED + 100), st.integers(1, 255))
def test_no_byte_can_be_changed(place: int, change: int) -> None:
    """Wherever one differs, header included, reading ends with an error."""
    content = bytearray(three_chunks())
    content[place] ^= change
    with pytest.raises(CommandError):
        opened(bytes(content))


@given(st.integers(0, HEADER + 2 * SEALED + 100))
def test_nothing_can_be_cut_off(kept: int) -> None:
    """Neither inside a chunk nor between two."""
    with pytest.raises(CommandError):
        opened(three_chunks()[:kept])


def test_chunks_keep_their_order_and_end() -> None:
    """Swapped, doubled, left out, appended to: none opens."""
    whole = three_chunks()
    head, body = whole[:HEADER], whole[HEADER:]
    first, second, last = (body[start : start + SEALED] for start in (0, SEALED, 2 * SEALED))
    assert opened(head + first + second + last)
    for wrong in (
        head + second + first + last,
        head + first + first + second + last,
        head + first + last,
        head + first + second,
        whole + last,
        whole + b"x",
    ):
        with pytest.raises(CommandError):
            opened(wrong)


def test_the_same_is_never_sealed_alike() -> None:
    """Salt and nonces are new each time."""
    assert sealed(b"x" * 100)[HEADER:] != sealed(b"x" * 100)[HEADER:]


def test_what_broke_off_while_writing_does_not_open() -> None:
    """An error inside the block leaves no last chunk."""
    file = io.BytesIO()

    def broken() -> None:
        with EncryptedWriter(file, WORDS) as writer:
            writer.write(b"x" * 2 * CHUNK)
            raise RuntimeError("disk full")

    with pytest.raises(RuntimeError):
        broken()
    with pytest.raises(CommandError):
        opened(file.getvalue())

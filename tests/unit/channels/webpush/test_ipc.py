"""What parent and children say to each other survives the way, and nonsense is never taken for it."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.webpush.encryption import padded
from channels.webpush.ipc import (
    MAX_FRAME,
    FrameError,
    Job,
    Report,
    Route,
    WorkerConfiguration,
    decode_hello,
    decode_job,
    decode_report,
    encode_hello,
    encode_job,
    encode_report,
    read_frame,
)
from realis.model.delivery import Accepted, Failed, FailureKind
from tests.unit.channels.webpush.samples import NOW

OUTCOMES = st.one_of(
    st.just(Accepted()),
    st.builds(
        Failed, st.sampled_from(FailureKind), st.text(max_size=50), st.none() | st.floats(0, 1e6, allow_nan=False)
    ),
)


def stream(data: bytes) -> asyncio.StreamReader:
    """A pipe that holds these bytes and ends."""
    made = asyncio.StreamReader()
    made.feed_data(data)
    made.feed_eof()
    return made


@given(st.text(max_size=300), st.lists(st.tuples(st.just(0), st.text(max_size=80)), max_size=20))
def test_a_job_arrives_as_it_was_sent(text: str, targets: list[tuple[int, str]]) -> None:
    """Any text, any address, to the byte."""
    route = Route("https://push.example.org", {"TTL": "60", "Authorization": "vapid t=a.b.c, k=d"})
    job = Job(7, padded(text.encode()), NOW, 60.5, 10.0, 64, (route,), tuple(targets))
    assert decode_job(encode_job(job)[4:]) == job


@given(st.integers(0, 10**6), st.dictionaries(st.integers(0, 499), OUTCOMES, max_size=40))
def test_a_report_arrives_as_it_was_sent(number: int, told: dict[int, Accepted | Failed]) -> None:
    """Each target keeps its outcome; the accepted are told first."""
    back = decode_report(encode_report(Report(number, tuple(told.items())))[4:])
    assert (back.number, dict(back.outcomes)) == (number, told)


def test_a_greeting_arrives_as_it_was_sent() -> None:
    """Policy and trust."""
    assert decode_hello(encode_hello(WorkerConfiguration("public", "PEM"))[4:]) == WorkerConfiguration("public", "PEM")


@given(st.binary(max_size=200))
def test_bytes_are_a_frame_or_an_error_and_nothing_else(body: bytes) -> None:
    """A child gone mad cannot raise anything unexpected in its parent."""
    for decode in (decode_hello, decode_job, decode_report):
        with pytest.raises(FrameError):
            decode(body)


@pytest.mark.parametrize(
    "body",
    [
        b"[1]",
        b"[-1, [], []]",
        b"[1, [true], []]",
        b'[1, ["0"], []]',
        b"[1, [], [[0, null, null, null]]]",
        b'[1, [], [[0, "accepted", "", null]]]',
        b'[1, [], [[0, "gone", "", "soon"]]]',
        b'[1, [], [[0, "gone", 5, null]]]',
        b'[1, {"a": 1}, 5]',
    ],
)
def test_a_report_of_the_wrong_form_is_an_error(body: bytes) -> None:
    """Almost right is wrong."""
    with pytest.raises(FrameError):
        decode_report(body)


async def test_frames_are_read_one_after_the_other_until_the_end() -> None:
    """None says that the other side closed."""
    pipe = stream(encode_report(Report(1)) + encode_report(Report(2)))
    bodies = [await read_frame(pipe) for _ in range(3)]
    assert [decode_report(body).number for body in bodies if body is not None] == [1, 2]
    assert bodies[2] is None


@pytest.mark.parametrize("data", [b"\x00", b"\x00\x00\x00\x09[1,", (MAX_FRAME + 1).to_bytes(4, "big") + b"x"])
async def test_a_frame_cut_off_or_too_long_is_an_error(data: bytes) -> None:
    """It is not waited for, nor is memory given for it."""
    with pytest.raises(FrameError):
        await read_frame(stream(data))

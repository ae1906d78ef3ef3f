"""What parent and children say to each other survives the way, and nonsense is never taken for it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

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
        b'["report", 1]',
        b'["job", 1, [], []]',
        b'["report", -1, [], []]',
        b'["report", 1, [true], []]',
        b'["report", 1, ["0"], []]',
        b'["report", 1, [-1], []]',
        b'["report", 1, [], [[0, null, null, null]]]',
        b'["report", 1, [], [[0, "accepted", "", null]]]',
        b'["report", 1, [], [[0, "gone", "", "soon"]]]',
        b'["report", 1, [], [[0, "gone", 5, null]]]',
        b'["report", 1, {"a": 1}, 5]',
        b'["report", 1, [], [], 2]',
        b"[" * 100_000,
    ],
)
def test_a_report_of_the_wrong_form_is_an_error(body: bytes) -> None:
    """Almost right is wrong."""
    with pytest.raises(FrameError):
        decode_report(body)


@pytest.mark.parametrize(
    "changed",
    [
        {"number": -1},
        {"number": True},
        {"record": "not base64!"},
        {"now": "2026-11-22T10:00:00"},
        {"left_s": "60"},
        {"in_flight": -1},
        {"routes": [["https://push.example.org"]]},
        {"routes": [["https://push.example.org", {"TTL": 60}]]},
        {"targets": [[-1, ""]]},
        {"targets": [[0, "", 1]]},
        {"type": "report"},
        {"more": 1},
    ],
)
def test_a_job_of_the_wrong_form_is_an_error(changed: dict[str, object]) -> None:
    """Each field is held to its type and bound, and none may come along that is not known."""
    good = json.loads(encode_job(Job(7, b"x", NOW, 60.5, 10.0, 64, (), ()))[4:])
    assert decode_job(json.dumps(good).encode()).number == 7
    with pytest.raises(FrameError):
        decode_job(json.dumps(good | changed).encode())


def test_a_frame_of_one_kind_is_not_taken_for_another() -> None:
    """Every frame says what it is."""
    greeting, report = encode_hello(WorkerConfiguration("public"))[4:], encode_report(Report())[4:]
    for decode, body in ((decode_job, greeting), (decode_report, greeting), (decode_hello, report)):
        with pytest.raises(FrameError):
            decode(body)


def test_a_child_loads_neither_models_nor_the_channel() -> None:
    """Every child pays for what it imports in memory and at its start."""
    script = "import sys, channels.webpush.worker_process; print(*sorted(sys.modules))"
    asked = [sys.executable, "-c", script]
    loaded = set(subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True).stdout.split())
    assert "channels.webpush.ipc" in loaded
    assert loaded & {"aiohttp", "channels.webpush.channel", "pydantic", "realis.ports.channel", "sqlalchemy"} == set()


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

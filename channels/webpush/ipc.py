"""The protocol between parent and worker processes: length-prefixed JSON frames. Pure; no I/O.

JSON and not pickle: a compromised child can send data only, never code. No frame contains a private key.
"""

from __future__ import annotations

from asyncio import IncompleteReadError, StreamReader
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar

from msgspec import Meta, MsgspecError, Struct
from msgspec.json import Decoder, Encoder

from realis.model.delivery import Accepted, Failed, FailureKind, Outcome

MAX_FRAME = 8 * 1024 * 1024
"""Bytes; a batch of 500 targets has about 225,000."""

_LENGTH = 4
_ACCEPTED = Accepted()

Natural = Annotated[int, Meta(ge=0)]
Instant = Annotated[datetime, Meta(tz=True)]
T = TypeVar("T")


class FrameError(ValueError):
    """A frame violates the protocol; later frames of the same peer cannot be trusted either."""


class WorkerConfiguration(Struct, frozen=True, tag="configuration", forbid_unknown_fields=True):
    """The first frame to a child: what it may connect to.

    Args:
        policy: the name of a policy in ``channels.webpush.worker_process.POLICIES``.
        trust: additional trust anchors for TLS, PEM; empty except in benchmarks and tests.
    """

    policy: str
    trust: str = ""


class Route(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One push service: its origin, and the headers of every push to it, with the signed VAPID identity."""

    origin: str
    headers: Mapping[str, str]


class Job(Struct, frozen=True, tag="job", forbid_unknown_fields=True):
    """Pushes of one message to phones at known services.

    Args:
        record: the padded plaintext, the same for all.
        now: the time by the parent's clock.
        left_s: seconds until nothing of it may be sent any more.
        timeout_s: for one push, connecting included.
        in_flight: requests at once.
        targets: for each, the index of its route and its stored address.
    """

    number: Natural
    record: bytes
    now: Instant
    left_s: float
    timeout_s: float
    in_flight: Natural
    routes: tuple[Route, ...]
    targets: tuple[tuple[Natural, str], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Outcomes of some targets of a job, by their index in it. An empty one is a heartbeat."""

    number: int = 0
    outcomes: tuple[tuple[int, Outcome], ...] = ()


class _Failure(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A target's index and its ``Failed``."""

    index: Natural
    kind: FailureKind
    detail: str
    retry_after_s: float | None


class _Report(Struct, frozen=True, tag="report", array_like=True, forbid_unknown_fields=True):
    """A report as encoded: most outcomes are ``Accepted``, for which the index is enough."""

    number: Natural
    accepted: tuple[Natural, ...]
    failed: tuple[_Failure, ...]


_ENCODER = Encoder()
_CONFIGURATION = Decoder(WorkerConfiguration)
_JOB = Decoder(Job)
_REPORT = Decoder(_Report)


def encode_hello(hello: WorkerConfiguration) -> bytes:
    """A frame."""
    return _frame(hello)


def decode_hello(body: bytes) -> WorkerConfiguration:
    """Raises ``FrameError``."""
    return _decoded(_CONFIGURATION, body)


def encode_job(job: Job) -> bytes:
    """A frame."""
    return _frame(job)


def decode_job(body: bytes) -> Job:
    """Raises ``FrameError``."""
    return _decoded(_JOB, body)


def encode_report(report: Report) -> bytes:
    """Return a frame: the job's number, the accepted indexes, and the others with their failure."""
    accepted = tuple(index for index, outcome in report.outcomes if isinstance(outcome, Accepted))
    failed = tuple(
        _Failure(index, outcome.kind, outcome.detail, outcome.retry_after_s)
        for index, outcome in report.outcomes
        if isinstance(outcome, Failed)
    )
    return _frame(_Report(report.number, accepted, failed))


def decode_report(body: bytes) -> Report:
    """Raises ``FrameError``."""
    report = _decoded(_REPORT, body)
    accepted = [(index, _ACCEPTED) for index in report.accepted]
    failed = [(entry.index, Failed(entry.kind, entry.detail, entry.retry_after_s)) for entry in report.failed]
    return Report(report.number, (*accepted, *failed))


async def read_frame(stream: StreamReader) -> bytes | None:
    """Return the next frame's body; None at the end of the stream. Raises ``FrameError``."""
    try:
        length = int.from_bytes(await stream.readexactly(_LENGTH), "big")
        if length > MAX_FRAME:
            raise FrameError(f"frame of {length} bytes")
        return await stream.readexactly(length)
    except IncompleteReadError as error:
        if error.partial:
            raise FrameError("frame cut off") from None
        return None


def _frame(message: Struct) -> bytes:
    body = _ENCODER.encode(message)
    return len(body).to_bytes(_LENGTH, "big") + body


def _decoded(decoder: Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except (MsgspecError, ValueError, RecursionError) as error:
        # ValueError: text that is not UTF-8; RecursionError: brackets nested too deep.
        raise FrameError(f"frame unreadable ({type(error).__name__})") from error

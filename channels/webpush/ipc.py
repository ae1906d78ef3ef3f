"""The protocol between parent and worker processes: length-prefixed JSON frames. Pure; no I/O.

JSON and not pickle: a compromised child can send data only, never code. No frame contains a private key.
"""

from __future__ import annotations

import json
from asyncio import IncompleteReadError, StreamReader
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from realis.model.delivery import Accepted, Failed, FailureKind, Outcome

MAX_FRAME = 8 * 1024 * 1024
"""Bytes. A batch of 500 targets has about 150,000."""

_LENGTH = 4
_ACCEPTED = Accepted()


class FrameError(ValueError):
    """A frame violates the protocol; later frames of the same peer cannot be trusted either."""


@dataclass(frozen=True, slots=True)
class WorkerConfiguration:
    """The first frame to a child: what it may connect to.

    Args:
        policy: the name of a policy in ``worker_process.POLICIES``.
        trust: additional trust anchors for TLS, PEM; empty except in benchmarks and tests.
    """

    policy: str
    trust: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """One push service: its origin, and the headers of every push to it, with the signed VAPID identity."""

    origin: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Job:
    """Pushes of one message to phones at known services.

    Args:
        record: the padded plaintext, the same for all.
        now: the time by the parent's clock.
        left_s: seconds until nothing of it may be sent any more.
        timeout_s: for one push, connecting included.
        in_flight: requests at once.
        targets: for each, the index of its route and its stored address.
    """

    number: int
    record: bytes
    now: datetime
    left_s: float
    timeout_s: float
    in_flight: int
    routes: tuple[Route, ...]
    targets: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Outcomes of some targets of a job, by their index in it. An empty one is a heartbeat."""

    number: int = 0
    outcomes: tuple[tuple[int, Outcome], ...] = ()


def encode_hello(hello: WorkerConfiguration) -> bytes:
    """A frame."""
    return _frame({"policy": hello.policy, "trust": hello.trust})


def decode_hello(body: bytes) -> WorkerConfiguration:
    """Raises ``FrameError``."""
    with _reading():
        data = json.loads(body)
        return WorkerConfiguration(_text(data["policy"]), _text(data["trust"]))


def encode_job(job: Job) -> bytes:
    """A frame."""
    return _frame(
        {
            "number": job.number,
            "record": job.record.rstrip(b"\x00").decode(),
            "size": len(job.record),
            "now": job.now.isoformat(),
            "bounds": [job.left_s, job.timeout_s, job.in_flight],
            "routes": [[route.origin, dict(route.headers)] for route in job.routes],
            "targets": job.targets,
        }
    )


def decode_job(body: bytes) -> Job:
    """Raises ``FrameError``."""
    with _reading():
        data = json.loads(body)
        left_s, timeout_s, in_flight = data["bounds"]
        routes = tuple(Route(_text(origin), dict(headers)) for origin, headers in data["routes"])
        return Job(
            number=_number(data["number"]),
            record=data["record"].encode().ljust(_number(data["size"]), b"\x00"),
            now=datetime.fromisoformat(data["now"]),
            left_s=float(left_s),
            timeout_s=float(timeout_s),
            in_flight=_number(in_flight),
            routes=routes,
            targets=tuple((_number(route), _text(address)) for route, address in data["targets"]),
        )


def encode_report(report: Report) -> bytes:
    """Return a frame: the job's number, the accepted indexes, and the others with their failure."""
    accepted = [index for index, outcome in report.outcomes if isinstance(outcome, Accepted)]
    failed = [
        [index, outcome.kind, outcome.detail, outcome.retry_after_s]
        for index, outcome in report.outcomes
        if isinstance(outcome, Failed)
    ]
    return _frame([report.number, accepted, failed])


def decode_report(body: bytes) -> Report:
    """Raises ``FrameError``."""
    with _reading():
        number, accepted, failed = json.loads(body)
        told = [(_number(index), _ACCEPTED) for index in accepted]
        return Report(_number(number), (*told, *(_failed(*entry) for entry in failed)))


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


def _frame(data: object) -> bytes:
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    return len(body).to_bytes(_LENGTH, "big") + body


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise FrameError(f"frame unreadable ({type(error).__name__})") from error


def _failed(index: object, kind: object, detail: object, wait_s: object) -> tuple[int, Failed]:
    wish = None if wait_s is None else _seconds(wait_s)
    return _number(index), Failed(FailureKind(_text(kind)), _text(detail), wish)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _number(value: object) -> int:
    if type(value) is not int or value < 0:
        raise TypeError("not a number")
    return value


def _seconds(value: object) -> float:
    if not isinstance(value, int | float):
        raise TypeError("not a duration")
    return float(value)

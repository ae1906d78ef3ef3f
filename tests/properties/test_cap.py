"""CAP for all alerts: what is written is valid and reads back the same; our schema judges as the standard's does."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from lxml import etree

from realis.cap.plain_text import one_line, plain
from realis.cap.reader import ReadResult, read
from realis.cap.schema import first_error
from realis.cap.writer import write
from realis.model.alert import (
    Alert,
    Category,
    Certainty,
    Info,
    MsgType,
    Reference,
    Resource,
    ResponseType,
    Scope,
    Severity,
    Status,
    Urgency,
)
from realis.model.area import Area, Circle, LinearRing, NamedValue
from realis.model.errors import RealisError
from tests.data.cap import oasis_schema, xsd_valid
from tests.support.wording import german

FEW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

characters = st.characters(exclude_categories=("Cs", "Cc", "Cn", "Zl", "Zp"), include_characters="\n")
texts = st.text(characters, max_size=60).map(plain).filter(lambda text: plain(text) == text)
lines = texts.map(one_line)
raw_texts = st.text(characters, max_size=30).map(str.strip)
filled = raw_texts.map(one_line).filter(bool)
names = st.text("abcdefgABC0123456789.-@_:ü/", min_size=1, max_size=30)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=offsets | st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0)
)
latitudes = st.floats(-90, 90, allow_nan=False)
longitudes = st.floats(-180, 180, allow_nan=False)
points = st.tuples(latitudes, longitudes)
feet = st.floats(-1e6, 1e6, allow_nan=False)


@st.composite
def rings(draw: st.DrawFn) -> LinearRing:
    """Closed rings, crossing or not."""
    corners = draw(st.lists(points, min_size=3, max_size=6))
    return (*corners, corners[0])


@st.composite
def areas(draw: st.DrawFn) -> Area:
    """Any area that can be written."""
    altitude = draw(st.none() | feet)
    return Area(
        desc=draw(lines),
        polygons=tuple(draw(st.lists(rings(), max_size=2))),
        circles=tuple(draw(st.lists(st.builds(Circle, latitudes, longitudes, st.floats(0, 2e4)), max_size=2))),
        geocodes=tuple(draw(st.lists(named, max_size=2))),
        altitude_ft=altitude,
        ceiling_ft=None if altitude is None else draw(st.none() | feet),
    )


def few(items: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    """A short tuple, each item once, for elements that are read as a set."""
    return st.lists(items, max_size=3, unique=True).map(tuple)


named = st.builds(NamedValue, filled, raw_texts)
languages = st.sampled_from(["de", "de-DE", "de-x-ls", "en", "ar", "zh-Hant-MO", "und"])
webs = st.just("") | st.sampled_from(["https://example.org/a?b=c&d=e#f", "https://example.org/%C3%BC", "urn:x:y"])
resources = st.builds(
    Resource,
    desc=lines,
    mime_type=st.just("image/png"),
    size=st.none() | st.integers(0, 10**12),
    uri=webs,
    deref_uri=st.just("") | st.just("aGFsbG8="),
    digest=st.just("") | st.just("a" * 40),
)
infos = st.builds(
    Info,
    event=lines,
    urgency=st.sampled_from(Urgency),
    severity=st.sampled_from(Severity),
    certainty=st.sampled_from(Certainty),
    categories=st.lists(st.sampled_from(Category), min_size=1, max_size=3, unique=True).map(tuple),
    language=languages,
    response_types=few(st.sampled_from(ResponseType)),
    audience=lines,
    event_codes=few(named),
    effective=st.none() | times,
    onset=st.none() | times,
    expires=st.none() | times,
    sender_name=texts,
    headline=lines,
    description=texts,
    instruction=texts,
    web=webs,
    contact=texts,
    parameters=few(named),
    resources=st.lists(resources, max_size=2).map(tuple),
    areas=st.lists(areas(), max_size=2).map(tuple),
)
alerts = st.builds(
    Alert,
    identifier=names,
    sender=names,
    sent=times,
    status=st.sampled_from(Status),
    msg_type=st.sampled_from(MsgType),
    scope=st.sampled_from(Scope),
    source=lines,
    restriction=lines,
    addresses=few(filled.map(lambda text: text.replace('"', "'"))),
    codes=few(filled),
    note=texts,
    references=few(st.builds(Reference, names, names, times)),
    incidents=few(filled.map(lambda text: text.replace('"', "'"))),
    infos=st.lists(infos, max_size=2).map(tuple),
)


@FEW
@given(alerts)
def test_what_is_written_is_valid_and_reads_back_the_same(alert: Alert) -> None:
    """Every alert that can be written is valid against the OASIS schema and reads back equal."""
    written = write(alert)
    assert xsd_valid(written)
    assert read(written).alert == alert


MUTATIONS = st.sampled_from(["drop", "double", "swap", "rename", "retext", "attribute", "alien", "text"])
WORDS = [
    "",
    "Actual",
    "Public",
    "2026-03-01T10:00:00Z",
    "2026-03-01T10:00:00+01:00",
    "2026-02-30T10:00:00+01:00",
    "de",
    "x y",
    "12",
    "-3.5",
]


def _signature_before_info(root: etree._Element) -> bool:
    spaces = [etree.QName(child).namespace for child in root]
    return any("xmldsig" in (space or "") and set(spaces[place:]) != {space} for place, space in enumerate(spaces))


def mutate(root: etree._Element, kind: str, data: st.DataObject) -> None:
    """Break one thing somewhere, or perhaps not."""
    elements = [element for element in root.iter() if element is not root]
    element = data.draw(st.sampled_from(elements))
    parent = element.getparent()
    assert parent is not None
    place = parent.index(element)
    if kind == "drop":
        parent.remove(element)
    elif kind == "double":
        parent.insert(place, deepcopy(element))
    elif kind == "swap":
        parent.insert(data.draw(st.integers(0, len(parent))), element)
    elif kind == "rename":
        element.tag = f"{{{etree.QName(root).namespace}}}{data.draw(st.sampled_from(['note', 'event', 'foo', 'area']))}"
    elif kind == "retext":
        element.text = data.draw(st.sampled_from(WORDS))
    elif kind == "attribute":
        element.set("lang", "de")
    elif kind == "alien":
        parent.insert(
            place,
            etree.Element(
                data.draw(st.sampled_from(["foo", "{urn:x}y", "{http://www.w3.org/2000/09/xmldsig#}Object"]))
            ),
        )
    else:
        element.tail = data.draw(st.sampled_from(["stray", " ", "\n"]))


@FEW
@given(alerts.filter(lambda alert: bool(alert.infos)), st.lists(MUTATIONS, min_size=1, max_size=2), st.data())
def test_our_schema_judges_as_the_standards_does(alert: Alert, kinds: list[str], data: st.DataObject) -> None:
    """On messages broken at random, our RELAX NG schema and the OASIS XSD come to the same verdict."""
    root = etree.fromstring(write(alert))
    for kind in kinds:
        mutate(root, kind, data)
    broken = etree.fromstring(etree.tostring(root))
    # The standard puts elements of XML-DSig last; libxml2's XSD validation takes them before ``info`` as well.
    assume(not _signature_before_info(broken))
    assert (first_error(broken) is None) == oasis_schema().validate(broken), etree.tostring(broken).decode()


@FEW
@given(alerts.filter(lambda alert: bool(alert.infos)), st.lists(MUTATIONS, min_size=1, max_size=3), st.data())
def test_a_broken_message_is_read_or_refused_by_name(alert: Alert, kinds: list[str], data: st.DataObject) -> None:
    """Whatever is broken, the reader answers with an alert or one of our errors, and names what is not valid."""
    root = etree.fromstring(write(alert))
    for kind in kinds:
        mutate(root, kind, data)
    raw = etree.tostring(root)
    found = outcome(raw)
    if isinstance(found, ReadResult):
        assert xsd_valid(raw) or "not-schema-valid" in {finding.rule for finding in found.problems}
    else:
        assert german(found).title


@FEW
@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_noise_is_refused_by_name(raw: bytes) -> None:
    """Bytes that mean nothing end in one of our errors, never in another one."""
    found = outcome(raw)
    assert isinstance(found, RealisError)
    assert german(found).remedy


def outcome(raw: bytes) -> ReadResult | RealisError:
    """What reading comes to; any other exception fails the test."""
    try:
        return read(raw)
    except RealisError as error:
        return error

"""Writes CAP 1.2 strictly: one element order, one spelling of time, nothing illegal. Repairs nothing silently.

Times are cut to whole seconds, for the standard has no fractions (CAP 1.2, 3.3.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from lxml import etree

from realis.cap.references import check_name, write_list, write_references
from realis.cap.schema import first_error
from realis.cap.times import write_time
from realis.cap.xml import CAP_12, MAX_BYTES
from realis.model.alert import Alert, Info, Resource
from realis.model.area import Area, LinearRing, NamedValue
from realis.model.errors import InvalidInput

_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
_EMPTY = f'<alert xmlns="{CAP_12}"/>'.encode()
_MIN_RING = 4
_ROOM_FOR_SIGNATURE = 16 * 1024


def write(alert: Alert) -> bytes:
    """Return the alert as CAP 1.2 XML in UTF-8, valid against the standard's schema; equal alerts give equal bytes.

    Raises:
        InvalidInput: a value has no legal form; names the element.
    """
    root = etree.fromstring(_EMPTY)
    out = _Writer(root)
    check_name(alert.identifier, "identifier")
    check_name(alert.sender, "sender")
    out.put("identifier", alert.identifier)
    out.put("sender", alert.sender)
    out.time("sent", alert.sent)
    out.put("status", alert.status)
    out.put("msgType", alert.msg_type)
    out.optional("source", alert.source)
    out.put("scope", alert.scope)
    out.optional("restriction", alert.restriction)
    out.optional("addresses", write_list(alert.addresses, "addresses"))
    out.each("code", alert.codes)
    out.optional("note", alert.note)
    out.optional("references", write_references(alert.references))
    out.optional("incidents", write_list(alert.incidents, "incidents"))
    for info in alert.infos:
        _write_info(out.group("info"), info)
    return _finished(root)


def _finished(root: etree._Element) -> bytes:
    error = first_error(root)
    if error is not None:
        raise InvalidInput("not-writable", detail=error.message)
    etree.indent(root)
    written = etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n"
    if len(written) > MAX_BYTES - _ROOM_FOR_SIGNATURE:
        raise InvalidInput("written-too-large", where="area", max_mb=MAX_BYTES // 1024 // 1024)
    return written


class _Writer:
    """Appends children to one element."""

    def __init__(self, parent: etree._Element) -> None:
        self.parent = parent

    def group(self, name: str) -> _Writer:
        return _Writer(etree.SubElement(self.parent, f"{{{CAP_12}}}{name}"))

    def put(self, name: str, text: str) -> None:
        element = etree.SubElement(self.parent, f"{{{CAP_12}}}{name}")
        try:
            element.text = str(text)
        except ValueError as error:
            raise InvalidInput("control-character", where=name, field=name) from error

    def optional(self, name: str, text: str) -> None:
        if text:
            self.put(name, text)

    def each(self, name: str, texts: Iterable[str]) -> None:
        for text in texts:
            if not text:
                raise InvalidInput("entry-empty", where=name, field=name)
            self.put(name, text)

    def time(self, name: str, moment: datetime | None) -> None:
        if moment is not None:
            self.put(name, write_time(moment, name))

    def named(self, name: str, values: Iterable[NamedValue]) -> None:
        for value in values:
            if not value.name:
                raise InvalidInput("value-without-name", where=name, field=name)
            pair = self.group(name)
            pair.put("valueName", value.name)
            pair.put("value", value.value)

    def number(self, name: str, number: float | None) -> None:
        if number is not None:
            self.put(name, _decimal(number, name))


def _write_info(out: _Writer, info: Info) -> None:
    if not _LANGUAGE.fullmatch(info.language):
        raise InvalidInput("language-tag-unfit", where="language", language=info.language)
    if not info.categories:
        raise InvalidInput("category-missing", where="category")
    out.put("language", info.language)
    out.each("category", info.categories)
    out.put("event", info.event)
    out.each("responseType", info.response_types)
    out.put("urgency", info.urgency)
    out.put("severity", info.severity)
    out.put("certainty", info.certainty)
    out.optional("audience", info.audience)
    out.named("eventCode", info.event_codes)
    out.time("effective", info.effective)
    out.time("onset", info.onset)
    out.time("expires", info.expires)
    out.optional("senderName", info.sender_name)
    out.optional("headline", info.headline)
    out.optional("description", info.description)
    out.optional("instruction", info.instruction)
    out.optional("web", _absolute(info.web))
    out.optional("contact", info.contact)
    out.named("parameter", info.parameters)
    for resource in info.resources:
        _write_resource(out.group("resource"), resource)
    for area in info.areas:
        _write_area(out.group("area"), area)


def _absolute(uri: str) -> str:
    if uri and not _ABSOLUTE.fullmatch(uri):
        raise InvalidInput("web-address-incomplete", where="web")
    return uri


def _write_resource(out: _Writer, resource: Resource) -> None:
    if not resource.mime_type:
        raise InvalidInput("mime-type-missing", where="mimeType")
    out.put("resourceDesc", resource.desc)
    out.put("mimeType", resource.mime_type)
    out.optional("size", "" if resource.size is None else str(resource.size))
    out.optional("uri", resource.uri)
    out.optional("derefUri", resource.deref_uri)
    out.optional("digest", resource.digest)


def _write_area(out: _Writer, area: Area) -> None:
    if area.ceiling_ft is not None and area.altitude_ft is None:
        raise InvalidInput("ceiling-without-altitude", where="ceiling")
    out.put("areaDesc", area.desc)
    out.each("polygon", (_ring(ring) for ring in area.polygons))
    for circle in area.circles:
        if not circle.radius_km >= 0:
            raise InvalidInput("radius-negative", where="circle")
        out.put("circle", f"{_point(circle.lat, circle.lon)} {_decimal(circle.radius_km, 'circle')}")
    out.named("geocode", area.geocodes)
    out.number("altitude", area.altitude_ft)
    out.number("ceiling", area.ceiling_ft)


def _ring(ring: LinearRing) -> str:
    if len(ring) < _MIN_RING or ring[0] != ring[-1]:
        raise InvalidInput("polygon-not-closed", where="polygon")
    return " ".join(_point(lat, lon) for lat, lon in ring)


def _point(lat: float, lon: float) -> str:
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise InvalidInput("point-outside", where="area")
    return f"{_decimal(lat, 'area')},{_decimal(lon, 'area')}"


def _decimal(number: float, where: str) -> str:
    # repr keeps every digit; Decimal's plain form avoids the exponent, which xs:decimal does not allow.
    decimal = Decimal(repr(float(number)))
    if not decimal.is_finite():
        raise InvalidInput("number-not-finite", where=where)
    text = f"{decimal:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

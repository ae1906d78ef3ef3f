"""Reads foreign CAP messages: tolerant of form, strict about safety and about what identifies a message.

Semantic checks are in ``realis.cap.rules``; what follows from a message is decided by the intake.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from realis.cap.fields import Node, Notes
from realis.cap.findings import Finding, merged
from realis.cap.infos import read_info
from realis.cap.references import read_list, read_references
from realis.cap.schema import first_error
from realis.cap.signature import SignatureState, SignatureVerdict, has_signature, verify
from realis.cap.times import read_time
from realis.cap.xml import CAP_12, CAP_VERSIONS, local_name, namespace_of, parse, place
from realis.model.alert import Alert, Ending, MsgType, ResponseType, Scope, Status, ending_of
from realis.model.errors import UnreadableMessage


@dataclass(frozen=True, slots=True)
class ReadResult:
    """A message as read: the alert, the findings about its form, the state of its signature."""

    alert: Alert
    problems: tuple[Finding, ...]
    signature: SignatureVerdict


def read(raw: bytes, *, certificate_pem: bytes | None = None) -> ReadResult:
    """Return the message, with a finding for each repair.

    Args:
        certificate_pem: the sender's pinned certificate, if there is one; then only what was signed is read.

    Raises:
        UnreadableMessage: not XML, not safe, not CAP, or without identifier, sender, sent, status, msgType.
    """
    root = parse(raw)
    notes = Notes()
    _check_root(root, notes)
    verdict = _verdict(root, raw, certificate_pem)
    _note_signature(verdict, root, notes)
    source = parse(verdict.signed) if verdict.signed is not None else root
    alert = _read_alert(Node(source, notes))
    _note_all_clear(alert, root, notes)
    return ReadResult(alert, merged(notes.findings), verdict)


def _check_root(root: etree._Element, notes: Notes) -> None:
    namespace = namespace_of(root)
    if local_name(root) != "alert" or namespace not in CAP_VERSIONS:
        raise UnreadableMessage("not-cap", where=place(root), element=local_name(root))
    if namespace != CAP_12:
        version = CAP_VERSIONS[namespace]
        words = f"Die Nachricht ist CAP {version}." if version else "Der Namensraum von CAP 1.2 fehlt."
        notes.add("not-cap-12", root, f"{words} Sie wurde wie CAP 1.2 gelesen.")
        return
    error = first_error(root)
    if error is not None:
        notes.findings.append(
            Finding(
                "not-schema-valid",
                f"Zeile {error.line}",
                f"Die Nachricht entspricht nicht dem Schema von CAP 1.2 ({error.message}).",
            )
        )


def _verdict(root: etree._Element, raw: bytes, certificate_pem: bytes | None) -> SignatureVerdict:
    if not has_signature(root):
        return SignatureVerdict(SignatureState.ABSENT)
    if certificate_pem is None:
        return SignatureVerdict(SignatureState.UNCHECKED, "Für diesen Absender ist kein Zertifikat hinterlegt.")
    return verify(raw, certificate_pem, _sent_or_none(root))


def _sent_or_none(root: etree._Element) -> datetime | None:
    text = Node(root, Notes()).raw_of("sent")
    try:
        return read_time(text)
    except ValueError:
        return None


def _note_signature(verdict: SignatureVerdict, root: etree._Element, notes: Notes) -> None:
    if verdict.state is SignatureState.UNCHECKED:
        notes.add("signature-unchecked", root, f"Die Signatur wurde nicht geprüft. {verdict.detail}")
    elif verdict.state is SignatureState.INVALID:
        notes.add("signature-invalid", root, f"Die Signatur ist ungültig. ({verdict.detail})")


def _read_alert(node: Node) -> Alert:
    return Alert(
        identifier=_required(node, "identifier"),
        sender=_required(node, "sender"),
        sent=_sent(node),
        status=_status(node),
        msg_type=_msg_type(node),
        source=node.line_of("source"),
        scope=node.word_of("scope", Scope, Scope.PUBLIC),
        restriction=node.line_of("restriction"),
        addresses=read_list(node.raw_of("addresses")),
        codes=tuple(child.raw for child in node.children("code") if child.raw),
        note=node.text_of("note"),
        references=read_references(node),
        incidents=read_list(node.raw_of("incidents")),
        infos=tuple(read_info(child) for child in node.children("info")),
    )


def _required(node: Node, name: str) -> str:
    text = node.raw_of(name)
    if not text:
        raise UnreadableMessage("element-missing", where=f"<{name}>", element=name)
    if name in ("identifier", "sender") and any(character in text for character in " \t\n,<&"):
        node.notes.add("name-characters", node.element, f"<{name}> enthält Leerzeichen, Komma, < oder &.")
    return text


def _sent(node: Node) -> datetime:
    text = _required(node, "sent")
    sent = node.time_of("sent")
    if sent is None:
        raise UnreadableMessage("sent-unreadable", where="<sent>", text=text[:40])
    return sent


def _status(node: Node) -> Status:
    _required(node, "status")
    # An unknown status is read as Draft, which is "not actionable in its current form" (CAP 1.2, 3.2.1).
    return node.word_of("status", Status, Status.DRAFT)


def _msg_type(node: Node) -> MsgType:
    _required(node, "msgType")
    return node.word_of("msgType", MsgType, MsgType.ALERT)


def _note_all_clear(alert: Alert, root: etree._Element, notes: Notes) -> None:
    responses = {response for info in alert.infos for response in info.response_types}
    if ending_of(alert) is Ending.ALL_CLEAR and ResponseType.ALL_CLEAR not in responses:
        notes.add(
            "all-clear-unmarked",
            root,
            "Die Entwarnung ist nicht als solche gekennzeichnet (responseType AllClear fehlt); "
            "sie wurde an Überschrift oder Handlungscode erkannt.",
        )

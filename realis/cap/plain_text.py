"""Plain text from text elements that contain HTML, double escapes or stray white space."""

from __future__ import annotations

import html
import re

import nh3

_TAGS = (
    "a abbr article b big blockquote body br center code dd div dl dt em embed font form frame h[1-6] head hr html "
    "i iframe img input ins kbd li link mark meta object ol p pre q s samp script section small span strike strong "
    "style sub sup svg table tbody td th thead tr tt u ul video"
)
# Linear on any input: after the name, one run up to the next angle bracket.
_HTML = re.compile(rf"</?(?:{'|'.join(_TAGS.split())})(?=[\s/>])[^<>]*>|<!--", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:[a-z][a-z0-9]{1,30}|#\d{1,7}|#x[0-9a-f]{1,6});", re.IGNORECASE)
_BREAKS = {"br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6"}
_BREAK = re.compile(r"<(?:br|/(?:p|div|li|tr|h[1-6]))>")
_TAG = re.compile(r"</?(?:br|p|div|li|tr|h[1-6])>")
_ROUNDS = 3


def plain(text: str) -> str:
    """The text without markup: tags gone, line-breaking ones as line breaks, entities resolved, trimmed."""
    for _ in range(_ROUNDS):
        if not holds_html(text):
            break
        text = _stripped(text) if _HTML.search(text) else html.unescape(text)
    return tidy(text)


def holds_html(text: str) -> bool:
    """Whether the text carries HTML tags or character references that were escaped twice."""
    return _HTML.search(text) is not None or _ENTITY.search(text) is not None


def tidy(text: str) -> str:
    """The text with one kind of line break, no blanks at line ends, at most one empty line in a row."""
    lines = [re.sub(r"[ \t\u00a0]+", " ", line).strip() for line in re.split(r"\r\n|\r|\n|\u2028|\u2029", text)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def one_line(text: str) -> str:
    """The text on one line, for headlines and names."""
    return " ".join(text.split())


def _stripped(text: str) -> str:
    # nh3 parses the fragment as a browser would and leaves only these few bare tags, so a pattern is safe.
    kept = nh3.clean(text, tags=_BREAKS, attributes={}, clean_content_tags={"script", "style"}, strip_comments=True)
    return html.unescape(_TAG.sub("", _BREAK.sub("\n", kept)))

"""No secret reaches the log, whatever a caller binds."""

from __future__ import annotations

import pytest

from realis.app.log import redact

BOT = "123456789:AAE-abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    "name", ["token", "password", "Authorization", "cookie", "endpoint", "address", "p256dh", "api_secret", "chat_id"]
)
def test_fields_named_like_secrets_are_blanked(name: str) -> None:
    """By their name, in any case."""
    assert redact(None, "", {"event": "x", name: "geheim"})[name] == "…"


@pytest.mark.parametrize("field", ["event", "exception", "detail"])
def test_bot_tokens_are_blanked_wherever_they_stand(field: str) -> None:
    """Also inside an event's text or a traceback with the service's address."""
    event = redact(None, "", {"event": "x", field: f"POST https://api.example/bot{BOT}/send"})
    assert BOT not in str(event)


def test_the_rest_is_left_alone() -> None:
    """Counts, names and ids stay readable."""
    event = {"event": "batch_done", "channel": "push", "batch": 7}
    assert redact(None, "", dict(event)) == event

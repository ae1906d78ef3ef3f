"""A made-up account on a service: all a channel's module has to hold, for tests of what follows from its row."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pydantic import Field, SecretStr

from realis.egress.channel_spec import ChannelConfig, ChannelSpec
from realis.egress.client import Egress
from realis.egress.failures import EgressError, failed
from realis.egress.policy import host_of
from realis.model.delivery import Accepted, Failed, FailureKind, Outcome
from realis.ports.channel import ChannelCapabilities, Message, Target


class Config(ChannelConfig):
    """An account at a service that sends faxes."""

    base_url: str = Field("https://fax.example", description="Adresse des Faxdienstes.")
    token: SecretStr = Field(SecretStr(""), description="Zugangsschlüssel.")
    exercises: bool = Field(False, description="Auch Übungen senden.")

    @property
    def complete(self) -> bool:
        """Whether there is a token."""
        return bool(self.token.get_secret_value())


class Fax:
    """Posts every message; what was sent cannot be changed."""

    name = "fax"
    label = "Fax"
    capabilities = ChannelCapabilities(length=1000, per_language=False, batch=1, public=True, min_interval_s=1.0)

    def __init__(self, egress: Egress, config: Config) -> None:
        self._egress = egress
        self._config = config
        self.unavailable_reason = "" if config.complete else "nicht eingerichtet"

    async def send(self, message: Message, targets: Sequence[Target]) -> Sequence[Outcome]:
        """Post once for each target."""
        return [await self._post(message) for _ in targets]

    async def close(self) -> None:
        """Nothing to give back."""

    async def _post(self, message: Message) -> Outcome:
        if self.unavailable_reason:
            return Failed(FailureKind.AUTH, "Fax ist nicht eingerichtet.")
        headers = {"Authorization": f"Bearer {self._config.token.get_secret_value()}"}
        body = json.dumps({"text": message.text.text}).encode()
        try:
            answer = await self._egress.post(f"{self._config.base_url}/send", headers=headers, data=body)
        except EgressError as error:
            return failed(error, self.label)
        return Accepted() if answer.status == 200 else Failed(FailureKind.REJECTED, f"Fax ({answer.status})")


SPEC = ChannelSpec(
    name=Fax.name,
    label=Fax.label,
    capabilities=Fax.capabilities,
    config=Config,
    make=lambda config, context: Fax(context.egress, config),
    about="Konto bei einem Faxdienst.",
    hosts=lambda config: host_of(config.base_url),
    account=True,
    joins_exercises=lambda config: config.exercises,
)

"""The demo's settings, people and screens. They exist in a demo's database and nowhere else."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from pydantic import SecretStr

from channels import mastodon as mastodon_channel
from channels.telegram import channel as telegram_channel
from realis.app.channel_registry import EgressPolicies
from realis.app.container import Services
from realis.app.pairing import pair_screen, screen_target
from realis.app.settings import CapSettings, CitySettings, Settings
from realis.app.wiring import BuildOptions
from realis.demo.simulators import SimulatedMastodon, SimulatedTelegram
from realis.model.alert import Occasion
from realis.model.errors import ConfigurationError
from realis.policy.approval import IssuePolicy, Role
from realis.ports.accounts import TokenKind, User
from realis.web.passwords import Passwords, issue_one_time
from realis.web.sessions import hash_bearer_token, new_token

PEOPLE = (
    ("anna", frozenset({Role.CAPTURE, Role.ADMIN})),
    ("bernd", frozenset({Role.CAPTURE, Role.RELEASE})),
    ("carla", frozenset({Role.TRAINER})),
)
SCREENS = (("Bahnhof", "siegen-mitte"), ("Rathaus Weidenau", "weidenau"))

VARIATION = BuildOptions(
    policy=IssuePolicy(frozenset({Occasion.UEBUNG})),
    doors=EgressPolicies.loopback(),
    demo=True,
)
"""The demo issues exercises only, connects to this machine only, and marks its database."""


def data(name: str) -> dict[str, dict[str, dict[str, str]]]:
    """One of the demo's data files."""
    return tomllib.loads((resources.files("realis.demo") / "data" / name).read_text(encoding="utf-8"))


def settings(
    data_dir: Path,
    *,
    port: int,
    gateway_port: int,
    telegram: SimulatedTelegram,
    mastodon: SimulatedMastodon,
    pause_s: float,
) -> Settings:
    """Settings for the demo: Siegen's districts, loopback addresses, accounts at the stand-ins."""
    plain = data("siegen.toml")
    return Settings(
        city=CitySettings.model_validate(plain["city"]),
        cap=CapSettings.model_validate(plain["cap"]),
        data_dir=data_dir,
        host="127.0.0.1",
        port=port,
        gateway_host="127.0.0.1",
        gateway_port=gateway_port,
        public_url=f"http://localhost:{port}",
        gateway_url=f"ws://localhost:{gateway_port}",
        pause_s=pause_s,
        telegram=telegram_channel.Config(token=SecretStr("1:demo"), chat_id="@siegen_demo", base_url=telegram.base_url),
        mastodon=mastodon_channel.Config(token=SecretStr("demo"), base_url=mastodon.base_url),
    )


@dataclass(frozen=True, slots=True)
class DemoData:
    """Who plays in the demo, with what is printed once."""

    people: dict[str, User]
    passwords: dict[str, str]
    screens: dict[str, str]
    authority_token: str


async def seed(core: Services, authority: str, *, must_change: bool = False) -> DemoData:
    """Create or renew the demo's people, screens and the authority's token; everything secret is fresh.

    Args:
        must_change: as in a real installation, people choose a password of their own before they see anything.

    Raises:
        ConfigurationError: this is not a demo. Its people may look around with a password somebody else has seen.
    """
    if not core.city.demo:
        raise ConfigurationError("Die Personen der Demo gibt es nur in der Demo.")
    people, passwords = {}, {}
    for name, roles in PEOPLE:
        issued = await issue_one_time(Passwords())
        found = await core.users.credentials(name)
        if found is None:
            user = await core.users.add(name, roles, password_hash=issued.password_hash, must_change=must_change)
        else:
            user = found[0]
            await core.users.set_password(user.id, issued.password_hash, must_change=must_change)
        people[name], passwords[name] = user, issued.password
    screens = {}
    for name, place in SCREENS:
        token = await pair_screen(core.targets, core.tokens, screen_target(core.city, name, place, joined=True))
        screens[name] = f"{core.city.public_url}/display/?screen={place}#token={token}"
    token = new_token()
    await core.tokens.add(TokenKind.AUTHORITY, authority, token_hash=hash_bearer_token(token))
    return DemoData(people, passwords, screens, token)

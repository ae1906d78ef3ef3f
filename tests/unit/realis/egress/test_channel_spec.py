"""What a row of the table says of a channel's way out."""

from __future__ import annotations

from yarl import URL

from realis.egress.channel_spec import ChannelConfig, ChannelSpec
from realis.egress.policy import Configured, PublicOnly, host_of
from realis.ports.channel import ChannelCapabilities
from tests.fakes.fax_channel import SPEC, Config, Fax

PLAIN = ChannelSpec(
    name="plain",
    label="Einfach",
    capabilities=ChannelCapabilities(length=100),
    config=ChannelConfig,
    make=lambda _config, context: Fax(context.egress, Config()),
)


def test_a_row_says_nothing_more_than_it_must() -> None:
    """Without more, a channel has no settings, is always complete, reaches nothing and is no account."""
    assert (PLAIN.has_settings, PLAIN.reaches_network, PLAIN.account, PLAIN.config().complete) == (
        False,
        False,
        False,
        True,
    )
    policy = PLAIN.policy(ChannelConfig())
    assert isinstance(policy, Configured)
    assert policy.refusal(URL("https://siegen.example/"))


def test_hosts_are_reached_by_exact_name() -> None:
    """With hosts of its settings it reaches these; only strangers' addresses open all that is public."""
    assert SPEC.has_settings
    assert SPEC.reaches_network
    policy = SPEC.policy(Config(base_url="https://fax.siegen.example"))
    assert policy.refusal(URL("https://fax.siegen.example/x")) == ""
    assert policy.refusal(URL("https://www.fax.siegen.example/x"))
    strangers = ChannelSpec(
        name="s",
        label="S",
        capabilities=ChannelCapabilities(length=1),
        config=ChannelConfig,
        make=PLAIN.make,
        any_public_host=True,
    )
    assert strangers.reaches_network
    assert isinstance(strangers.policy(ChannelConfig()), PublicOnly)


def test_an_address_names_one_host_or_none() -> None:
    """Without port, path and capitals; nonsense names none."""
    assert host_of(" https://Social.Example:8443/x ") == {"social.example"}
    assert host_of("https://[::1]/") == {"::1"}
    for nothing in ("", "social.example", "https://", "https://[::1", "https://x:port/"):
        assert host_of(nothing) == frozenset(), nothing

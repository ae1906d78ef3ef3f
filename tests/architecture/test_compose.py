"""What docker-compose.yml, the Dockerfile and the proxy's file promise, checked without an engine."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # it brings no types
from pydantic import BaseModel

from realis.app.container import ProcessRole
from realis.app.settings import Settings

ROOT = Path(__file__).parents[2]
OURS = {"web": 2, "gateway": 2, "worker": 2}
OUTSIDE_SETTINGS = {"REALIS_CONFIG", "REALIS_DOMAIN", "REALIS_TOKEN"}
"""The command line's own variables, and compose's for the domain."""


@cache
def _compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return loaded


def _services() -> dict[str, dict[str, Any]]:
    services: dict[str, dict[str, Any]] = _compose()["services"]
    return services


def _settings() -> set[str]:
    """Every name the environment may set."""

    def names(model: type[BaseModel], prefix: str) -> set[str]:
        found = set()
        for name, field in model.model_fields.items():
            found.add(f"{prefix}{name}".upper())
            if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
                found |= names(field.annotation, f"{prefix}{name}__")
        return found

    return names(Settings, "REALIS_")


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_two_of_each_part_and_what_they_need() -> None:
    """Two web, two gateways, two workers, each told its part; PostgreSQL, Redis and one proxy."""
    parts = [service["command"][-1] for service in _services().values() if service.get("build")]
    assert {part: parts.count(part) for part in parts} == OURS
    assert set(parts) <= {part.value for part in ProcessRole}
    images = {service["image"].split(":")[0] for service in _services().values()}
    assert images == {"realis", "postgres", "redis", "nginx"}


@pytest.mark.parametrize("name", ["docker-compose.yml", "Dockerfile", "docs/operate.md", "deploy/nginx.conf"])
def test_every_setting_that_is_named_exists(name: str) -> None:
    """Whatever REALIS_… these files name is a setting of the program."""
    named = set(re.findall(r"\bREALIS_[A-Z][A-Z0-9_]*", _text(name)))
    assert named - _settings() - OUTSIDE_SETTINGS == set()


@pytest.mark.parametrize("name", sorted(_services()))
def test_every_service_is_watched_and_restarted(name: str) -> None:
    """Health check with interval and timeout, restart policy, bounded logs."""
    service = _services()[name]
    assert service["restart"] == "unless-stopped"
    assert {"test", "interval", "timeout", "retries"} <= set(service["healthcheck"])
    assert service["logging"]["options"]["max-size"]


def test_no_password_has_a_default() -> None:
    """Every secret is a variable that must be set; nothing that looks like one is written down."""
    text = _text("docker-compose.yml")
    used = re.findall(r"\$\{(\w+)(:?[?-][^}]*)?\}", text)
    required = {name for name, rest in used if rest.startswith(":?")}
    assert {name for name, _ in used} <= required
    assert [rest for _, rest in used if rest.startswith((":-", "-"))] == []
    for service in _services().values():
        for name, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|TOKEN|SECRET|AUTH", name):
                assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), name
    assert re.findall(r"://[^$\s\"]*:[^$\s\"@]+@", text) == []


def test_only_the_proxy_can_be_reached() -> None:
    """No other service publishes a port; database and Redis stand in a network without a way out."""
    assert [name for name, service in _services().items() if "ports" in service] == ["proxy"]
    assert _compose()["networks"]["inner"]["internal"] is True
    assert _services()["postgres"]["networks"] == _services()["redis"]["networks"] == ["inner"]


def test_volumes_keep_what_must_be_kept() -> None:
    """The database and the keys lie in named volumes; all our parts mount the same keys."""
    assert set(_compose()["volumes"]) == {"database", "keys"}
    for name, service in _services().items():
        if service.get("build"):
            assert "keys:/var/lib/realis/keys" in service["volumes"], name
    assert any(volume.startswith("database:") for volume in _services()["postgres"]["volumes"])


def test_every_file_that_is_mounted_lies_here() -> None:
    """What compose mounts from the checkout exists, but for the city's own settings."""
    mounted = {volume.split(":")[0] for s in _services().values() for volume in s.get("volumes", ())}
    files = {path for path in mounted if path.startswith("./")} - {"./realis.toml"}
    assert files
    assert [path for path in files if not (ROOT / path).is_file()] == []


def test_a_stop_leaves_time_to_finish() -> None:
    """The engine waits longer than the program's own bound for what is in flight."""
    from realis.app.wiring import SHUTDOWN_S

    for name, service in _services().items():
        if service.get("build"):
            assert int(service["stop_grace_period"].rstrip("s")) > SHUTDOWN_S, name


def test_the_image_is_built_from_the_lock_files_and_does_not_run_as_root() -> None:
    """Hashes are demanded, scripts of packages do not run, the last user is a number above 0, nothing is 'latest'."""
    text = _text("Dockerfile")
    assert "pip install --require-hashes -r requirements.txt" in text
    assert "ci --omit=dev --ignore-scripts" in text
    users = re.findall(r"^USER (\S+)$", text, re.MULTILINE)
    assert int(users[-1]) > 0
    images = [service["image"] for service in _services().values()]
    images += re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert [image for image in images if image.endswith(":latest")] == []
    assert [image for image in images if ":" not in image] == ["realis"] * 6


def test_the_proxy_knows_every_node() -> None:
    """Each upstream of the proxy is a service of the same part, and none is missing."""
    named = set(re.findall(r"^\s+server (\w+):(\d+) resolve", _text("deploy/nginx.conf"), re.MULTILINE))
    wanted = {
        (name, "8080" if service["command"][-1] == "web" else "8081")
        for name, service in _services().items()
        if service.get("build") and service["command"][-1] != "worker"
    }
    assert named == wanted


def test_the_proxys_word_counts_within_our_networks_only() -> None:
    """What the nodes trust are the two networks of this file, and the proxy replaces what clients claim."""
    networks = _compose()["networks"].values()
    ours = {config["subnet"] for network in networks for config in network["ipam"]["config"]}
    for name, service in _services().items():
        if service.get("build"):
            assert set(json.loads(service["environment"]["REALIS_TRUSTED_PROXIES"])) == ours, name
    text = _text("deploy/nginx.conf")
    assert set(re.findall(r"X-Forwarded-For (\S+);", text)) == {"$remote_addr"}
    assert set(re.findall(r"X-Forwarded-Proto (\S+);", text)) == {"https"}

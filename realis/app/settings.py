"""All settings, read once at start from ``realis.toml`` and the environment (``REALIS_…``). Decides nothing.

Only ``Settings.load`` reads anything: settings made in code (the demo's) take nothing from where they run.
"""

from __future__ import annotations

import tomllib
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from realis.app.channel_registry import TABLE, C, ChannelTable
from realis.app.file_access import obstacle
from realis.app.settings_errors import as_configuration_error
from realis.egress.channel_spec import ChannelSpec
from realis.model.errors import ConfigurationError
from realis.model.languages import ALL_LANGUAGES
from realis.ports.installation import City, Place

DEFAULT_FILE = Path("realis.toml")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PlaceSettings(_Section):
    """A district: a circle in degrees and kilometres; ``approximate`` is shown to people."""

    id: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    name: str = Field(min_length=1, max_length=80)
    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    radius_km: float = Field(gt=0, le=200)
    approximate: bool = True


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    # IsADirectoryError and the like: "Europe" alone is a directory of the tables.
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"die Zeitzone „{name}“ gibt es nicht, wohl aber zum Beispiel Europe/Berlin") from error
    return name


class CitySettings(_Section):
    """Who warns, where, in which languages."""

    name: str = Field(min_length=1, max_length=80)
    authority: str = Field(min_length=1, max_length=160)
    time_zone: Annotated[str, AfterValidator(_time_zone)] = "Europe/Berlin"
    languages: tuple[str, ...] = ALL_LANGUAGES
    contact: str = ""
    places: tuple[PlaceSettings, ...] = ()


class CapSettings(_Section):
    """How our own CAP messages name themselves (no spaces, commas, ``<`` or ``&``)."""

    sender: str = Field(pattern=r"^[^\s,<&]+$")
    identifier_prefix: str = Field(pattern=r"^[^\s,<&]+$")


def _refuse_unreadable(file: Path) -> None:
    """Raise ``ConfigurationError`` unless the file is there and text that this account may read."""
    try:
        if not file.exists():
            raise ConfigurationError(
                f"Die Einstellungsdatei {file} fehlt.", remedy="`realis init` schreibt sie; `--demo` braucht keine."
            )
        file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{file} ist nicht in UTF-8 geschrieben (Byte {error.start}).", remedy="Speichern Sie die Datei als UTF-8."
        ) from error
    except OSError as error:
        raise obstacle(error, file) from error


def _in_data_dir(known: dict[str, Any]) -> str:
    return f"sqlite+aiosqlite:///{known['data_dir'].resolve() / 'realis.db'}"


def _network(written: object) -> IPv4Network | IPv6Network:
    try:
        network = ip_network(str(written))
    except ValueError as error:
        raise ValueError(f"„{written}“ ist kein Netz, wie es zum Beispiel 172.16.0.0/12 ist") from error
    if network.prefixlen == 0:
        raise ValueError("in diesem Netz ist jeder, also könnte jeder sich ausgeben, für wen er will")
    return network


ProxyNetwork = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]

_DATABASES = r"^(sqlite\+aiosqlite:///|postgresql\+asyncpg://)"


_SQLITE = "sqlite+aiosqlite:///"
DATA_DIR = Path("var/realis")


class _FileSource(TomlConfigSettingsSource):
    """The settings file; its relative paths count from the directory it lies in, wherever the command is run."""

    def __call__(self) -> dict[str, Any]:  # Any: as pydantic-settings declares it
        found = super().__call__()
        folder = Path(str(self.toml_file_path)).parent
        data_dir, database = found.get("data_dir", str(DATA_DIR)), found.get("database_url")
        if isinstance(data_dir, str):
            found["data_dir"] = folder / data_dir
        if isinstance(database, str) and database.startswith(_SQLITE):
            found["database_url"] = f"{_SQLITE}{(folder / database.removeprefix(_SQLITE)).resolve()}"
        return found


def channel_sections(table: ChannelTable) -> dict[str, Any]:
    """Fields for ``create_model``: one section for each channel that has something to set."""
    return {spec.name: (spec.config, spec.config()) for spec in table if spec.has_settings}


if TYPE_CHECKING:
    _ChannelSections = BaseSettings  # sections are asked for with ``Settings.channel``, which knows their type
else:
    _ChannelSections = create_model("_ChannelSections", __base__=BaseSettings, **channel_sections(TABLE))


class Settings(_ChannelSections):
    """Everything ``realis serve`` can be told. Each channel of the table has a section of its name.

    Args:
        data_dir: in the file relative to the file, in the environment relative to the working directory.
        database_url: where the record is kept; by default a SQLite file in ``data_dir``.
        redis_url: what several processes tell each other by; without it they poll.
        lease_s: with PostgreSQL, how long a process that died or froze keeps the batches it was sending.
        trusted_proxies: networks of our own proxies; only from there is it believed who a request comes from.
        log_level: the least severe event that is logged; libraries never log below WARNING.
    """

    model_config = SettingsConfigDict(env_prefix="REALIS_", env_nested_delimiter="__", extra="forbid", frozen=True)

    city: CitySettings
    cap: CapSettings
    data_dir: Path = DATA_DIR
    database_url: str = Field(default_factory=_in_data_dir, pattern=_DATABASES, repr=False)
    redis_url: str = Field(default="", pattern=r"^$|^(rediss?|unix)://", repr=False)
    lease_s: float = Field(default=30.0, ge=1, le=600)
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    gateway_host: str = "127.0.0.1"
    gateway_port: int = Field(default=8081, ge=0, le=65535)
    public_url: str = "http://localhost:8080"
    gateway_url: str = "ws://localhost:8081"
    push_contact: str = "mailto:webmaster@example.org"
    trusted_proxies: tuple[ProxyNetwork, ...] = ()
    pause_s: float = Field(default=10.0, ge=0, le=300)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments; and for ``load`` the environment over the file."""
        if settings_cls.model_config.get("toml_file") is None:
            return (init_settings,)
        return init_settings, env_settings, _FileSource(settings_cls)

    @classmethod
    def load(cls, file: Path = DEFAULT_FILE) -> Self:
        """Read the file and the environment.

        Raises:
            ConfigurationError: the file is missing or a value is wrong; says which.
        """
        _refuse_unreadable(file)

        class FromFile(cls):  # type: ignore[valid-type,misc]
            model_config = SettingsConfigDict(toml_file=file)

        try:
            loaded: Self = FromFile()
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(f"{file} ist kein gültiges TOML: {error}") from error
        except SettingsError as error:
            raise ConfigurationError(
                f"Eine Einstellung in der Umgebung ist nicht lesbar: {error}",
                remedy="Listen und Abschnitte stehen in REALIS_… als JSON.",
            ) from error
        except ValidationError as error:
            raise as_configuration_error(error.errors()[0], file) from error
        return loaded

    @classmethod
    def with_channels(cls, table: ChannelTable) -> type[Self]:
        """These settings with a section for each channel of another table."""
        return create_model(cls.__name__, __base__=cls, **channel_sections(table))

    def channel(self, spec: ChannelSpec[C]) -> C:
        """A channel's own section."""
        section: C = getattr(self, spec.name) if spec.has_settings else spec.config()
        return section

    @property
    def alone(self) -> bool:
        """Whether the record is a file of this process's own, rather than a PostgreSQL that several share."""
        return self.database_url.startswith("sqlite")

    @property
    def https(self) -> bool:
        """Whether people reach this installation over TLS."""
        return self.public_url.startswith("https://")

    def as_city(self, *, demo: bool = False) -> City:
        """The city as the program's parts see it."""
        return City(
            name=self.city.name,
            authority=self.city.authority,
            time_zone=self.city.time_zone,
            public_url=self.public_url,
            gateway_url=self.gateway_url,
            languages=self.city.languages,
            places=tuple(Place(**place.model_dump()) for place in self.city.places),
            demo=demo,
            contact=self.city.contact,
        )

"""The tables, as SQLAlchemy Core. They are created by the migrations (``migrations/``).

Instants are stored as microseconds since 1970 UTC, so that SQL compares them alike on both databases.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Instant(TypeDecorator[datetime]):
    """An aware datetime as whole microseconds since 1970 UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: object) -> int | None:
        """Return microseconds since 1970 UTC."""
        return None if value is None else (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, _dialect: object) -> datetime | None:
        """Return an aware datetime in UTC."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


# SQLite assigns row ids only to a column declared exactly INTEGER (https://sqlite.org/autoinc.html).
Serial = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

meta = Table("meta", metadata, Column("key", String(40), primary_key=True), Column("value", Text, nullable=False))

# ---- users

users = Table(
    "users",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("pseudonym", String(40), nullable=False, unique=True),
    Column("roles", JSON, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("must_change", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("user_id", ForeignKey("users.id"), nullable=False, index=True),
    Column("csrf", String(64), nullable=False),
    Column("expires_at", Instant, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("kind", String(20), nullable=False),
    Column("label", String(200), nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("target_id", Serial),
    Column("revoked", Boolean, nullable=False),
)

# ---- the desk

incidents = Table(
    "incidents",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("title", Text, nullable=False),
    Column("occasion", String(20), nullable=False),
    Column("source", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False, index=True),
)

witnesses = Table(
    "witnesses",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("incident_id", ForeignKey("incidents.id"), nullable=False, index=True),
    Column("draft_id", Uuid),
    Column("authority", String(200), nullable=False),
    Column("sender", String(400), nullable=False),
    Column("identifier", String(400), nullable=False, index=True),
    Column("sent", Instant, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("problems", JSON, nullable=False),
    Column("received_at", Instant, nullable=False),
    UniqueConstraint("authority", "sender", "identifier"),
)

drafts = Table(
    "drafts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("incident_id", ForeignKey("incidents.id"), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("content", Text, nullable=False),
    Column("authors", JSON, nullable=False),
    Column("problems", JSON, nullable=False),
    Column("submitted_by", String(36), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("return_reason", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

packages = Table(
    "packages",
    metadata,
    Column("draft_id", ForeignKey("drafts.id"), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("body", Text, nullable=False),
)

releases = Table(
    "releases",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("draft_id", ForeignKey("drafts.id"), nullable=False, index=True),
    Column("incident_id", ForeignKey("incidents.id"), nullable=False, index=True),
    Column("digest", String(64), nullable=False),
    Column("released_by", String(40), nullable=False),
    Column("decided_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("state", String(20), nullable=False, index=True),
)

audit = Table(
    "audit",
    metadata,
    Column("number", Serial, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("actor", String(100), nullable=False),
    Column("action", String(60), nullable=False),
    Column("subject", String(100), nullable=False, index=True),
    Column("detail", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
)

# ---- issued alerts

alerts = Table(
    "alerts",
    metadata,
    Column("incident_id", ForeignKey("incidents.id"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("identifier", String(400), nullable=False, unique=True),
    Column("kind", String(20), nullable=False),
    Column("occasion", String(20), nullable=False),
    Column("sent", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("event_code", String(40), nullable=False),
    Column("url", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("xml", LargeBinary, nullable=False),
    Column("draft_id", Uuid, nullable=False),
    Column("digest", String(64), nullable=False),
)

texts = Table(
    "texts",
    metadata,
    Column("incident_id", Uuid, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("channel", String(40), primary_key=True),
    Column("variant", String(20), primary_key=True),
    Column("language", String(20), primary_key=True),
    Column("body", Text, nullable=False),
)

alert_cells = Table(
    "alert_cells",
    metadata,
    Column("incident_id", Uuid, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("cell", String(16), primary_key=True),
    Column("ring", Integer, nullable=False, server_default="0"),
)

# ---- targets

targets = Table(
    "targets",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("channel", String(40), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("origin", String(300), nullable=False),
    Column("language", String(20), nullable=False),
    Column("joined", Boolean, nullable=False),
    Column("everywhere", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("label", String(200), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_seen", Instant),
    UniqueConstraint("channel", "fingerprint"),
    Index("ix_targets_channel_everywhere", "channel", "everywhere"),
    sqlite_autoincrement=True,
)

addresses = Table(
    "addresses",
    metadata,
    Column("target_id", ForeignKey("targets.id", ondelete="CASCADE"), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

target_cells = Table(
    "target_cells",
    metadata,
    Column("target_id", ForeignKey("targets.id", ondelete="CASCADE"), primary_key=True),
    Column("cell", String(16), primary_key=True),
    Index("ix_target_cells_cell", "cell"),
)

# ---- the ledger

dispatches = Table(
    "dispatches",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("incident_id", ForeignKey("incidents.id"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("channel", String(40), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("variant", String(20), nullable=False),
    Column("gravity", Integer, nullable=False),
    Column("level", Integer, nullable=False),
    Column("occasion", String(20), nullable=False),
    Column("match", Boolean, nullable=False),
    Column("joined_only", Boolean, nullable=False),
    Column("realert", Boolean, nullable=False),
    Column("watermark", Serial, nullable=False),
    Column("ring", Integer, nullable=False, server_default="0"),
    Column("cursor", Serial, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("deadline", Instant, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("state", String(20), nullable=False),
    Column("planned", Integer, nullable=False),
    Column("first_accepted", Instant),
    Column("last_accepted", Instant),
    UniqueConstraint("incident_id", "revision", "channel", "variant"),
    Index("ix_dispatches_state", "state", "gravity", "id"),
)

batches = Table(
    "batches",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("dispatch_id", ForeignKey("dispatches.id"), nullable=False),
    Column("ring", Integer, nullable=False),
    Column("origin", String(300), nullable=False),
    Column("language", String(20), nullable=False),
    Column("targets", JSON, nullable=False),
    Column("size", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("state", String(20), nullable=False),
    Column("held", Boolean, nullable=False),
    Column("owner", String(100), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("lease_until", Instant),
    Column("accepted", Integer, nullable=False, server_default="0"),
    Column("done_at", Instant),
    Index("ix_batches_dispatch", "dispatch_id", "state"),
    Index("ix_batches_state_due", "state", "due_at"),
)

tallies = Table(
    "tallies",
    metadata,
    Column("dispatch_id", ForeignKey("dispatches.id"), primary_key=True),
    Column("state", String(20), primary_key=True),
    Column("failure", String(20), primary_key=True),
    Column("number", Integer, nullable=False),
)

failures = Table(
    "failures",
    metadata,
    Column("dispatch_id", ForeignKey("dispatches.id"), primary_key=True),
    Column("target_id", Serial, primary_key=True),
    Column("state", String(20), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("detail", String(300), nullable=False),
    Column("at", Instant, nullable=False),
)

enrolled = Table(
    "enrolled",
    metadata,
    Column("incident_id", Uuid, primary_key=True),
    Column("channel", String(40), primary_key=True),
    Column("target_id", Serial, primary_key=True),
)

shown = Table(
    "shown",
    metadata,
    Column("incident_id", Uuid, primary_key=True),
    Column("channel", String(40), primary_key=True),
    Column("target_id", Serial, primary_key=True),
    Column("ref", String(300), nullable=False),
    Column("revision", Integer, nullable=False),
)

confirmations = Table(
    "confirmations",
    metadata,
    Column("incident_id", Uuid, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("channel", String(40), primary_key=True),
    Column("target_id", Serial, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("who", String(100), nullable=False),
)

holds = Table(
    "holds",
    metadata,
    Column("channel", String(40), primary_key=True),
    Column("since", Instant, nullable=False),
    Column("reason", Text, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("owner", String(100), nullable=False),
    Column("until", Instant, nullable=False),
)

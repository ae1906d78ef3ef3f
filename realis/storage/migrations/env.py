"""Alembic's entry: runs on the connection ``realis.storage.migrate`` hands over."""

from __future__ import annotations

from alembic import context

from realis.storage.schema import metadata


def run() -> None:
    """Apply the migrations inside one transaction."""
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


run()

"""Schema changes, by Alembic; each leaves a database the previous program can still read."""

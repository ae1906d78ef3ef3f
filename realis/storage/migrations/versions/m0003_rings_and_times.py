"""How far out a cell lies, how far planning has come, when batches were done, and who wants to hear everything."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward. Only adds: processes of the version before go on with it."""
    op.add_column("alert_cells", sa.Column("ring", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("dispatches", sa.Column("ring", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("batches", sa.Column("accepted", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("batches", sa.Column("done_at", sa.BigInteger(), nullable=True))
    op.create_index("ix_targets_channel_everywhere", "targets", ["channel", "everywhere"])


def downgrade() -> None:
    """Bring the schema back."""
    op.drop_index("ix_targets_channel_everywhere", "targets")
    op.drop_column("batches", "done_at")
    op.drop_column("batches", "accepted")
    op.drop_column("dispatches", "ring")
    op.drop_column("alert_cells", "ring")

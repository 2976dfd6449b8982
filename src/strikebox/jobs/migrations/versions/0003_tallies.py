"""How often a network acted lately"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "tallies",
        sa.Column("what", sa.String(length=16), nullable=False),
        sa.Column("whose", sa.String(length=128), nullable=False),
        sa.Column("seconds", sa.Integer, nullable=False),
        sa.Column("span", sa.BigInteger, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("until", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("what", "whose", "seconds", "span", name=op.f("pk_tallies")),
    )
    op.create_index("ix_tallies_until", "tallies", ["until"])

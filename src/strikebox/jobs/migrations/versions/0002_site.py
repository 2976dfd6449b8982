"""What the site keeps: pictures, orders, money, votes, reports, what was done by whom"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import VARCHAR

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("version", sa.BigInteger, nullable=False, server_default="0"))
    _api_keys()
    _audit()
    _batches()
    _days()
    _estimates()
    _order_keys()
    _orders()
    _pictures()
    _previews()
    _recipes()
    _reports()
    _reservations()
    _votes()
    _words()
    _workers()


def _api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("per_day", sa.Integer, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("revoked", sa.Double, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_keys_hash")),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("who", sa.String(length=128), nullable=False),
        sa.Column("act", sa.String(length=64), nullable=False),
        sa.Column("target", sa.String(length=128), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )


def _batches() -> None:
    op.create_table(
        "batches",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("worker", sa.String(length=128), nullable=False),
        sa.Column("batch", sa.String(length=128), nullable=False),
        sa.Column("pictures", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("finished", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
    )
    op.create_index("ix_batches_batch_id", "batches", ["batch", "id"])


def _days() -> None:
    op.create_table(
        "days",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("reserved", sa.BigInteger, server_default="0", nullable=False),
        sa.Column("spent", sa.BigInteger, server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_days")),
    )


def _estimates() -> None:
    op.create_table(
        "estimates",
        sa.Column("job", sa.String(length=32), nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("actual", sa.Double, nullable=True),
        sa.Column("finished", sa.Double, nullable=True),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_estimates")),
    )
    op.create_index("ix_estimates_finished", "estimates", ["finished"])


def _order_keys() -> None:
    op.create_table(
        "order_keys",
        sa.Column("client", sa.String(length=128), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("job", sa.String(length=32), nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("client", "key", name=op.f("pk_order_keys")),
    )
    op.create_index("ix_order_keys_created", "order_keys", ["created"])


def _orders() -> None:
    op.create_table(
        "orders",
        sa.Column("job", sa.String(length=32), nullable=False),
        sa.Column("client", sa.String(length=128), nullable=False),
        sa.Column("network", sa.String(length=128), nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_orders")),
    )
    op.create_index("ix_orders_client_created", "orders", ["client", "created"])
    op.create_index("ix_orders_network_created", "orders", ["network", "created"])


def _pictures() -> None:
    op.create_table(
        "pictures",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("prompts", sa.JSON, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("recipe", sa.String(length=64), nullable=False),
        sa.Column("recipe_hash", sa.String(length=64), nullable=False),
        sa.Column("model", sa.JSON, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("file", sa.String(length=80), nullable=False),
        sa.Column("thumbnail", sa.String(length=80), nullable=False),
        sa.Column("enlarged", sa.String(length=80), nullable=True),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("votes", sa.Integer, server_default="0", nullable=False),
        sa.Column("hall", sa.Double, nullable=True),
        sa.Column("maker", sa.String(length=128), nullable=True),
        sa.Column("finding", sa.Text, nullable=True),
        sa.Column("forwards", sa.Integer, nullable=False),
        sa.Column("flops", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("dollars", sa.Double, nullable=False),
        sa.CheckConstraint(
            "state IN ('public', 'withheld', 'taken down', 'deleted')", name=op.f("ck_pictures_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pictures")),
    )
    op.create_index("ix_pictures_maker_created", "pictures", ["maker", "created"])
    op.create_index("ix_pictures_state_created_id", "pictures", ["state", "created", "id"])
    op.create_index("ix_pictures_state_hall_id", "pictures", ["state", "hall", "id"])
    op.create_index("ix_pictures_state_votes_created_id", "pictures", ["state", "votes", "created", "id"])


def _previews() -> None:
    op.create_table(
        "previews",
        sa.Column("job", sa.String(length=32), nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("webp", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_previews")),
    )


def _recipes() -> None:
    op.create_table(
        "recipes",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("toml", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_recipes")),
    )


def _reports() -> None:
    op.create_table(
        "reports",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("picture", sa.String(length=32), nullable=False),
        sa.Column("client", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("closed", sa.Double, nullable=True),
        sa.Column("who", sa.String(length=128), nullable=True),
        sa.Column("outcome", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
    )
    op.create_index("ix_reports_closed", "reports", ["closed"])
    op.create_index("ix_reports_picture", "reports", ["picture"])


def _reservations() -> None:
    op.create_table(
        "reservations",
        sa.Column("job", sa.String(length=32), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("reserved", sa.BigInteger, nullable=False),
        sa.Column("used", sa.BigInteger, server_default="0", nullable=False),
        sa.Column("settled", sa.Double, nullable=True),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_reservations")),
    )
    op.create_index("ix_reservations_settled", "reservations", ["settled"])


def _votes() -> None:
    op.create_table(
        "votes",
        sa.Column("picture", sa.String(length=32), nullable=False),
        sa.Column("client", sa.String(length=128), nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("picture", "client", name=op.f("pk_votes")),
    )
    op.create_index("ix_votes_created", "votes", ["created"])


def _words() -> None:
    op.create_table(
        "words",
        sa.Column(
            "word",
            sa.String(length=64).with_variant(VARCHAR(length=64, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("picture", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("word", "picture", name=op.f("pk_words")),
    )
    op.create_index("ix_words_picture_word", "words", ["picture", "word"])


def _workers() -> None:
    op.create_table(
        "workers",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("device", sa.String(length=128), nullable=False),
        sa.Column("model", sa.String(length=255), nullable=False),
        sa.Column("busy", sa.Integer, nullable=False),
        sa.Column("started", sa.Double, nullable=False),
        sa.Column("beat", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workers")),
    )

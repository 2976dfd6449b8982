"""The tables. Migrations bring a database here; a test compares the two."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import VARCHAR

# Compared byte by byte, so that "begins with" is a range of the index, in every language.
_WORD = sa.String(64).with_variant(VARCHAR(64, collation="C"), "postgresql")

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("batch", sa.String(128), nullable=False),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("client", sa.String(128)),
    sa.Column("urgency", sa.Integer, nullable=False, server_default="0"),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
    sa.Column("fence", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("worker", sa.String(128)),
    sa.Column("leased_until", sa.Double),
    sa.Column("steps_done", sa.Integer, nullable=False, server_default="0"),
    sa.Column("steps", sa.Integer, nullable=False, server_default="0"),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("started", sa.Double),
    sa.Column("finished", sa.Double),
    sa.Column("result", sa.JSON, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("version", sa.BigInteger, nullable=False, server_default="0"),  # grows with every change
    sa.CheckConstraint("state IN ('waiting', 'running', 'done', 'failed', 'cancelled')", name="state"),
    sa.Index(None, "state", "urgency", "id"),
    sa.Index(None, "client", "state"),
    sa.Index(None, "finished"),
)

# One row: the last fence that was given out. A lease takes the next one in its own transaction.
fences = sa.Table(
    "fences",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("last", sa.BigInteger, nullable=False),
)

# Who asked for a picture, from where. Rows go when they are older than the site keeps them.
orders = sa.Table(
    "orders",
    metadata,
    sa.Column("job", sa.String(32), primary_key=True),
    sa.Column("client", sa.String(128), nullable=False),
    sa.Column("network", sa.String(128), nullable=False),
    sa.Column("created", sa.Double, nullable=False),
    sa.Index(None, "client", "created"),
    sa.Index(None, "network", "created"),
    sa.Index(None, "created"),
)

# What a client's Idempotency-Key stands for.
order_keys = sa.Table(
    "order_keys",
    metadata,
    sa.Column("client", sa.String(128), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("job", sa.String(32), nullable=False),
    sa.Column("created", sa.Double, nullable=False, index=True),
)

# A day's money, in billionths of a dollar so that sums are exact.
days = sa.Table(
    "days",
    metadata,
    sa.Column("day", sa.String(10), primary_key=True),  # 2026-11-23, in the site's time zone
    sa.Column("reserved", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("spent", sa.BigInteger, nullable=False, server_default="0"),
)

reservations = sa.Table(
    "reservations",
    metadata,
    sa.Column("job", sa.String(32), primary_key=True),
    sa.Column("day", sa.String(10), nullable=False),
    sa.Column("reserved", sa.BigInteger, nullable=False),
    sa.Column("used", sa.BigInteger, nullable=False, server_default="0"),  # by attempts so far
    sa.Column("settled", sa.Double, index=True),
)

# Recipes that were ever served, as TOML, by the hash of their passes.
recipes = sa.Table(
    "recipes",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("toml", sa.Text, nullable=False),
)

pictures = sa.Table(
    "pictures",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),  # that of the job that made it
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("subject", sa.String(200), nullable=False),
    sa.Column("prompts", sa.JSON, nullable=False),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.Column("recipe", sa.String(64), nullable=False),
    sa.Column("recipe_hash", sa.String(64), nullable=False),
    sa.Column("model", sa.JSON, nullable=False),  # names and hashes of model and LoRA
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("file", sa.String(80), nullable=False),  # names of files in the media folder
    sa.Column("thumbnail", sa.String(80), nullable=False),
    sa.Column("enlarged", sa.String(80)),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("votes", sa.Integer, nullable=False, server_default="0"),
    sa.Column("hall", sa.Double),  # when it entered the Hall of Fame
    sa.Column("maker", sa.String(128)),
    sa.Column("finding", sa.Text),  # why it was withheld
    sa.Column("forwards", sa.Integer, nullable=False),
    sa.Column("flops", sa.BigInteger, nullable=False),
    sa.Column("seconds", sa.Double, nullable=False),
    sa.Column("dollars", sa.Double, nullable=False),
    sa.CheckConstraint("state IN ('public', 'withheld', 'taken down', 'deleted')", name="state"),
    sa.Index(None, "state", "created", "id"),
    sa.Index(None, "state", "votes", "created", "id"),
    sa.Index(None, "state", "hall", "id"),
    sa.Index(None, "file"),
    sa.Index(None, "thumbnail"),
    sa.Index(None, "enlarged"),
    sa.Index(None, "recipe_hash"),
    sa.Index(None, "maker", "created"),
)

# The words of a picture's subject, for the search.
words = sa.Table(
    "words",
    metadata,
    sa.Column("word", _WORD, primary_key=True),
    sa.Column("picture", sa.String(32), primary_key=True),
    sa.Index(None, "picture", "word"),
)

votes = sa.Table(
    "votes",
    metadata,
    sa.Column("picture", sa.String(32), primary_key=True),
    sa.Column("client", sa.String(128), primary_key=True),
    sa.Column("created", sa.Double, nullable=False, index=True),
)

reports = sa.Table(
    "reports",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("picture", sa.String(32), nullable=False, index=True),
    sa.Column("client", sa.String(128), nullable=False),
    sa.Column("reason", sa.String(32), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("closed", sa.Double, index=True),
    sa.Column("who", sa.String(128)),
    sa.Column("outcome", sa.String(64)),
)

# What people in charge did. Nothing is ever changed or deleted here.
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("who", sa.String(128), nullable=False),
    sa.Column("act", sa.String(64), nullable=False),
    sa.Column("target", sa.String(128), nullable=False),
    sa.Column("why", sa.Text, nullable=False),
)

# Rendered batches, from which rates are measured.
batches = sa.Table(
    "batches",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("worker", sa.String(128), nullable=False),
    sa.Column("batch", sa.String(128), nullable=False),
    sa.Column("pictures", sa.Integer, nullable=False),
    sa.Column("seconds", sa.Double, nullable=False),
    sa.Column("finished", sa.Double, nullable=False),
    sa.Index(None, "batch", "id"),
    sa.Index(None, "finished"),
)

# How long a job was said to wait, and how long it did.
estimates = sa.Table(
    "estimates",
    metadata,
    sa.Column("job", sa.String(32), primary_key=True),
    sa.Column("created", sa.Double, nullable=False, index=True),
    sa.Column("seconds", sa.Double, nullable=False),
    sa.Column("actual", sa.Double),
    sa.Column("finished", sa.Double, index=True),
)

previews = sa.Table(
    "previews",
    metadata,
    sa.Column("job", sa.String(32), primary_key=True),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("webp", sa.LargeBinary, nullable=False),
)

workers = sa.Table(
    "workers",
    metadata,
    sa.Column("name", sa.String(128), primary_key=True),
    sa.Column("device", sa.String(128), nullable=False),
    sa.Column("model", sa.String(255), nullable=False),
    sa.Column("busy", sa.Integer, nullable=False),  # jobs in its hands
    sa.Column("started", sa.Double, nullable=False),
    sa.Column("beat", sa.Double, nullable=False),
    sa.Column("stuck", sa.Double),  # since when its process cannot be ended, and its device is out of service
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False, unique=True),  # SHA-256 of the secret
    sa.Column("per_day", sa.Integer, nullable=False),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("revoked", sa.Double),
)

# How often somebody did something in a span of time, which is a whole multiple of `seconds` since 1970.
tallies = sa.Table(
    "tallies",
    metadata,
    sa.Column("what", sa.String(16), primary_key=True),
    sa.Column("whose", sa.String(128), primary_key=True),
    sa.Column("seconds", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("span", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("until", sa.Double, nullable=False, index=True),  # when it may be forgotten
)

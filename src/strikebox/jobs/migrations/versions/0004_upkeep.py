"""Indexes for what keeps house: files that no picture needs, jobs and batches that are old"""

from alembic import op

revision = "0004"
down_revision = "0003"

_NEW = (
    ("pictures", "file"),
    ("pictures", "thumbnail"),
    ("pictures", "enlarged"),
    ("pictures", "recipe_hash"),
    ("jobs", "finished"),
    ("batches", "finished"),
    ("orders", "created"),
    ("estimates", "created"),
)


def upgrade() -> None:
    for table, column in _NEW:
        op.create_index(f"ix_{table}_{column}", table, [column])

"""Runs migrations on the connection that `Database` opened."""

from alembic import context

from strikebox.jobs.schema import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
context.run_migrations()

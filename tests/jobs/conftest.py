"""The databases that queues are tested on."""

from databases import address, database, open_database, server

__all__ = ["address", "database", "open_database", "server"]

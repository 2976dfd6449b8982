"""The databases that workers are tested on."""

from databases import address, database, open_database, server

__all__ = ["address", "database", "open_database", "server"]

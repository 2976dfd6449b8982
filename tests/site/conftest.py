"""Sites on each kind of database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import address, database, open_database, server
from opened import settings_in

from strikebox.site.context import Site, open_site

__all__ = ["address", "database", "open_database", "server"]


@pytest.fixture
def site(tmp_path: Path, address: str) -> Iterator[Site]:
    """An empty site with room for everybody, on SQLite and on PostgreSQL."""
    opened = open_site(settings_in(tmp_path, address))
    yield opened
    opened.close()

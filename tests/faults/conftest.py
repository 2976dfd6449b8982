"""Promises, each with its fault: a short form in every run of the tests, a long one by `make faults`."""

import os
import secrets
from random import Random

import figures
import pytest
from databases import address, database, open_database, server
from figures import Note

__all__ = ["address", "database", "open_database", "server"]


@pytest.fixture(scope="session")
def full() -> bool:
    """Whether to spend minutes instead of seconds."""
    return os.environ.get("STRIKEBOX_FAULTS") == "full"


@pytest.fixture
def seed() -> int:
    """Another one in each run, unless STRIKEBOX_FAULTS_SEED says which. It is shown where a test fails."""
    chosen = int(os.environ.get("STRIKEBOX_FAULTS_SEED") or secrets.randbelow(2**32))
    print(f"STRIKEBOX_FAULTS_SEED={chosen}")
    return chosen


@pytest.fixture
def dice(seed: int) -> Random:
    """Decides what is killed, and when."""
    return Random(seed)


@pytest.fixture
def note(full: bool) -> Note:
    """`note(row, name=figure, ...)`: keeps what the long form measured; the short form only prints it."""

    def keep(row: str, **measured: figures.Figure) -> None:
        print(row, measured)
        if full:
            figures.write(row, measured)

    return keep

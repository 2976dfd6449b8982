"""What is kept: the database, the pictures and the certificate."""

import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from strikebox.doctor.found import Found
from strikebox.jobs.database import check_sqlite
from strikebox.site import certificate as certificates
from strikebox.site.media import open_media
from strikebox.site.settings import Settings

_SOON = datetime.timedelta(days=30)


def sqlite(_: Settings) -> Found:
    """Whether SQLite may lose data. Raises JobsError."""
    driver = _driver()
    check_sqlite(driver.sqlite_version_info)
    yield "ok", f"SQLite {driver.sqlite_version}"


def database(settings: Settings) -> Found:
    """Whether the database is there and sound."""
    if settings.database.startswith("postgresql"):
        yield from _server(settings.database)
        return
    path = Path(settings.database.removeprefix("sqlite:///")).expanduser()
    if path.exists():
        yield from _file(path)
    else:
        yield "ok", f"{path}: will be made"


def media(settings: Settings) -> Found:
    """Where pictures are kept, if that is given. Raises StoreError where it does not answer."""
    place = settings.storage.pictures
    if place is None:
        return
    if "://" not in place and not Path(place).expanduser().exists():
        yield "ok", f"{place}: will be made"
        return
    open_media(place, make=False).check()
    yield "ok", f"{place} answers"


def certificate(settings: Settings) -> Found:
    """What pictures are signed with. Raises ProvenanceError."""
    asked, folder = settings.provenance, settings.storage.folder / "provenance"
    if (asked.certificate is None) != (asked.key is None):
        yield "bad", "a certificate needs its key: set provenance.certificate and provenance.key"
        return
    if asked.certificate is not None and asked.key is not None:
        read = certificates.read(asked.certificate, asked.key)
    elif (folder / "certificate.pem").exists():
        read = certificates.own(folder, settings.site.title)
    else:
        yield "look", "none given: one will be made that nobody else vouches for"
        return
    soon = read.expires - datetime.datetime.now(datetime.UTC) < _SOON
    whose = "; made here, nobody else vouches for it" if read.own else ""
    yield ("look" if soon or read.own else "ok"), f"{read.name}, until {read.expires:%Y-%m-%d}{whose}"


def _driver() -> Any:
    return import_module("pysqlite3.dbapi2")


def _file(path: Path) -> Found:
    driver = _driver()
    connection = driver.connect(f"file:{path.absolute()}?mode=ro", uri=True)
    try:
        said = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        schema = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except driver.Error as error:
        yield "bad", f"{path}: {error}; restore it from a backup"
        return
    finally:
        connection.close()
    size = path.stat().st_size / 2**20
    yield ("ok" if said == "ok" else "bad"), f"{path}: {size:.1f} MiB, schema {schema[0]}, checked: {said}"


def _server(url: str) -> Found:
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    name = engine.url.render_as_string()
    try:
        with engine.connect() as connection:
            version = connection.execute(sa.text("SHOW server_version")).scalar()
    except SQLAlchemyError as error:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        yield "bad", f"{name}: {reason}; see that it runs and lets this user in"
        return
    yield "ok", f"PostgreSQL {version} at {name}"

"""The site's configuration: strikebox.toml, then the environment (STRIKEBOX_SECTION__KEY), checked at start.

Without either, the site serves the embedded model on this machine.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings import (
    SettingsError as SourceError,
)

from strikebox.errors import SettingsError

DEFAULT_FILE = Path("strikebox.toml")
_PREFIX = "STRIKEBOX_"

AboveZero = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class SiteSection(_Section):
    """[site]"""

    title: str = "Strikebox"  # on every page
    base_url: str | None = None  # https://art.example; None: as the visitor's browser asked
    languages: tuple[Literal["en", "ru"], ...] = ("en", "ru")  # the first one is the default
    secret_file: Path | None = None  # signs cookies; None: secret in the storage folder, made when missing


class StorageSection(_Section):
    """[storage]"""

    folder: Path = Path("runs/site")  # pictures, and the database unless that is elsewhere
    database: str | None = None  # SQLite file or postgresql://...; None: site.sqlite in the folder
    pictures: str | None = None  # s3://bucket/prefix, or another folder; None: media in the folder


class RecipeSection(_Section):
    """[recipe]"""

    name: str = "recommended"  # that of the run; or a shipped recipe's name, or a .toml file
    run: Path = Path("runs/better")  # the folder of the run that recommends


class ModelSection(_Section):
    """[model]"""

    model: str | None = None  # diffusers directory or hub id; None: the embedded klein-nano
    lora: str | None = None  # a .safetensors file, or "none"; None: the embedded one, with its model
    device: str = "auto"  # auto, cpu, mps, cuda or cuda:N
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"  # auto: bfloat16 where the device is fast at it
    speed: Literal["exact", "quantised"] = "exact"  # quantised: 8-bit products where the card has them
    size: Annotated[int, Field(ge=16)] | None = None  # side in pixels; None: the model's own
    batch: Annotated[int, Field(ge=1, le=64)] = 4  # pictures made at a time
    style: str | None = None  # what {style} stands for; None: as the LoRA's file says


class BudgetSection(_Section):
    """[budget]"""

    dollars_per_day: Annotated[float, Field(ge=0)] = 1.0  # when it is spent the site closes until midnight
    dollars_per_hour: Annotated[float, Field(ge=0)] = 0.10  # what an hour of the worker's machine costs
    time_zone: str = "UTC"  # whose midnight
    first_guess: AboveZero = 30.0  # seconds that a picture may take before any was measured

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (OSError, ValueError, KeyError):
            raise ValueError(f"there is no time zone {name!r}; name one like Europe/Berlin") from None
        return name


class LimitsSection(_Section):
    """[limits]"""

    burst: Count = 6  # pictures of one client in a minute
    per_day: Count = 100  # pictures of one client in 24 hours
    network_per_day: Count = 500  # pictures of one network in 24 hours
    queue: Count = 200  # jobs that may wait; more are turned away
    trusted_hops: Count = 0  # proxies in front whose X-Forwarded-For is believed
    proof_of_work: Literal["off", "pressure", "always"] = "pressure"  # when browsers must work for an order


class ModerationSection(_Section):
    """[moderation]"""

    lists: Path | None = None  # folder of word lists (<language>.txt) beside the shipped ones
    languages: tuple[str, ...] = ("en", "ru")  # of the shipped lists
    classifier: bool = True  # withhold what opennsfw calls unsafe
    leak: bool = True  # withhold what is a copy of a training picture
    lettering: bool = True  # withhold what shows lettering of the training pictures
    training: Path | None = None  # folder of the LoRA's training pictures; None: the embedded LoRA's own
    held_out: Path | None = None  # folder of pictures of the style that it never saw; None: likewise
    script: str = "rus"  # language of the lettering, as tesseract names it


class AdminSection(_Section):
    """[admin]: without either key there are no admin pages."""

    password_hash: str | None = None  # as `strikebox serve --hash-password` prints it
    proxy_header: str | None = None  # name of the header in which a trusted proxy names who is logged in


class ProvenanceSection(_Section):
    """[provenance]"""

    certificate: Path | None = None  # C2PA: PEM chain; None: one signed by itself, made when missing
    key: Path | None = None  # C2PA: PEM private key of it
    watermark: bool = True  # an invisible mark that says that a machine made it


class Settings(BaseSettings):
    """All of it. Make it with `read`, or in tests with keywords."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )
    _file: ClassVar[Path | None] = None

    site: SiteSection = SiteSection()
    storage: StorageSection = StorageSection()
    recipe: RecipeSection = RecipeSection()
    model: ModelSection = ModelSection()
    budget: BudgetSection = BudgetSection()
    limits: LimitsSection = LimitsSection()
    moderation: ModerationSection = ModerationSection()
    admin: AdminSection = AdminSection()
    provenance: ProvenanceSection = ProvenanceSection()
    retention_days: Annotated[int, Field(ge=1)] = 30  # who ordered what, from where

    @classmethod
    def read(cls, path: Path | None = None) -> "Settings":
        """From `path`, or strikebox.toml here if there is one, and the environment, which wins.

        Raises SettingsError: an unknown key, an impossible value, a file that cannot be read.
        """
        if path is not None and not path.is_file():
            raise SettingsError(f"{path}: is no file; give the configuration's path, or none")
        _refuse_unknown(os.environ, set(cls.model_fields))
        bound = type("Settings", (cls,), {"_file": path or DEFAULT_FILE, "__module__": cls.__module__})
        try:
            return bound()
        except ValidationError as error:
            raise SettingsError(_first_line(error, path)) from None
        except (SourceError, ValueError, OSError, RecursionError) as error:
            reason = " ".join(str(error).split())
            raise SettingsError(f"{path or DEFAULT_FILE}: cannot be read ({reason}); mend it") from None

    def environment(self) -> dict[str, str]:
        """Variables from which `read` makes the same settings on another machine."""
        sections = self.model_dump(mode="json")
        return {f"{_PREFIX}{name.upper()}": json.dumps(value) for name, value in sections.items()}

    @property
    def database(self) -> str:
        """The database's address, or its file."""
        return self.storage.database or str(self.storage.folder / "site.sqlite")

    @property
    def pictures(self) -> str:
        """The place of the pictures' files: a folder, or the address of a store."""
        return self.storage.pictures or str(self.storage.folder / "media")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        if cls._file is None:
            return (init_settings,)
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=cls._file)


def _refuse_unknown(environment: Mapping[str, str], sections: set[str]) -> None:
    """pydantic-settings checks the keys of sections that it knows, and passes over names of others."""
    for name in environment:
        if name.startswith(_PREFIX) and "__" in name:
            section = name.removeprefix(_PREFIX).split("__")[0].lower()
            if section not in sections:
                raise SettingsError(f"{name}: there is no section {section}; see docs/operations.md")


def _first_line(error: ValidationError, path: Path | None) -> str:
    first: Mapping[str, Any] = error.errors()[0]
    key = ".".join(map(str, first["loc"]))
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    reason = "is no key of this configuration" if first["type"] == "extra_forbidden" else first["msg"]
    return f"{path or DEFAULT_FILE} or environment: {key}: {reason}{more}; see docs/operations.md"

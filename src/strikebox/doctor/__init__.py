"""What this machine and this configuration can do, looked at before a site is served.

Nothing is made or changed: neither folders, nor the database, nor a certificate. torch is loaded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from strikebox.doctor import equipment, machine, records
from strikebox.doctor.found import Examination, State
from strikebox.errors import StrikeboxError
from strikebox.site.settings import Settings

__all__ = ["Examined", "State", "examine"]


@dataclass(frozen=True, slots=True)
class Examined:
    """One thing, as it was found."""

    what: str
    state: State
    found: str  # in a line, with what to do where something is to be done


_EXAMINATIONS: Sequence[tuple[str, Examination]] = (
    ("program", machine.program),
    ("machine", machine.memory),
    ("device", machine.device),
    ("disk", machine.disk),
    ("sqlite", records.sqlite),
    ("database", records.database),
    ("media", records.media),
    ("model", equipment.model),
    ("enlarging", equipment.enlarging),
    ("prompts", equipment.prompts),
    ("pictures", equipment.pictures),
    ("lettering", equipment.lettering),
    ("fonts", equipment.fonts),
    ("certificate", records.certificate),
    ("admin", equipment.admin),
)


def examine(settings: Settings) -> Iterator[Examined]:
    """Everything, one after the other. Whatever goes wrong is a finding."""
    for what, look in _EXAMINATIONS:
        try:
            for state, found in look(settings):
                yield Examined(what, state, found)
        except StrikeboxError as error:
            yield Examined(what, "bad", " ".join(str(error).split()))
        except Exception as error:  # a library's own: it is found, not shown as a traceback
            yield Examined(what, "bad", " ".join(f"{type(error).__name__}: {error}".split()))

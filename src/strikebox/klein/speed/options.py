"""How fast a backend shall be, and what it became."""

from dataclasses import dataclass

from strikebox.klein.speed.tiers import Reuse, Speed, Switches


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is asked of a backend."""

    speed: Speed | None = None  # None: the plain path, that others are compared with
    many: bool = True  # pictures follow, so many that compiling pays
    reuse: Reuse = "medium"  # with speed "approximate", and only with it
    switches: Switches | None = None  # exactly these, whatever the machine; for tests and measurements


@dataclass(frozen=True, slots=True, kw_only=True)
class Became:
    """What of it this machine can do."""

    switches: Switches
    kernel: str  # of attention, as diffusers calls it
    notices: tuple[str, ...]  # what was asked for and is off, a line each

    @property
    def settings(self) -> dict[str, str]:
        """What changes pictures, for the identity of a run; empty where they are the exact ones."""
        on = self.switches
        words = {"eight": on.eight, "eight_attention": on.eight_attention and on.eight, "reuse": on.reuse}
        return {key: value for key, value in words.items() if value}

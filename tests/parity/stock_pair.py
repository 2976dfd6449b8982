"""What the parity tests compare."""

from dataclasses import dataclass
from pathlib import Path

from diffusers import Flux2KleinPipeline

from strikebox.klein.backend import KleinBackend
from strikebox.klein.profile import Profile


@dataclass(frozen=True, slots=True)
class Pair:
    """One model, loaded by both."""

    ours: KleinBackend
    stock: Flux2KleinPipeline
    lora: Path
    profile: Profile

"""A trie of denoising steps, cut into segments that run in one go.

The key of a step hashes all that led to its result: sha256(key before, conditions, LoRA, sigmas). So it names
latents: two steps with one key give the same latents, in this plan and in any other, and equal beginnings of
passes fall together by themselves.
"""

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from struct import pack

from strikebox.generation.backend import LoraState, Size
from strikebox.passes import guidance_at
from strikebox.recipe import Handoff, LoraUse


@dataclass(frozen=True, slots=True, kw_only=True)
class FromNoise:
    """Starts from noise alone."""

    seed: int
    draw: int  # position of the pass in its recipe
    size: Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Continue:
    """Goes on where another segment of the same pass ended."""

    parent: str  # segment key


@dataclass(frozen=True, slots=True, kw_only=True)
class FromHandoff:
    """Starts at `sigma` from what is kept of the picture of the pass before, mixed with noise."""

    parent: str | None  # key of the last segment of the pass before; None where nothing of it is kept
    handoff: Handoff
    sigma: float
    seed: int
    draw: int
    size: Size


Entry = FromNoise | Continue | FromHandoff


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Steps in a row under constant conditions, without a branch. Its key names the latents at its end."""

    key: str
    entry: Entry
    sigmas: tuple[float, ...]  # falling, one Euler step between neighbours; ends at 0 where the pass ends
    prompt: str
    guidance: float
    lora: LoraState | None
    reference: str | None  # key of the segment whose picture is edited
    size: Size
    reference_size: Size | None = None

    @property
    def steps(self) -> int:
        """Euler steps that it takes."""
        return len(self.sigmas) - 1

    @property
    def needs(self) -> tuple[str, ...]:
        """Keys of the segments whose latents it starts from or looks at."""
        start = () if isinstance(self.entry, FromNoise) or self.entry.parent is None else (self.entry.parent,)
        return start if self.reference is None else (*start, self.reference)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What stays the same through a pass and changes its result."""

    model: str  # hash of the weights
    adapter: str | None  # hash of the LoRA
    prompt: str
    guidance: float
    lora: LoraUse | None
    reference: str | None  # key of the latents of the picture to edit
    size: Size
    reference_size: Size | None
    guidance_sigma: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class _Step:
    before: bytes  # key of the step before, or of the entry
    start: float
    end: float
    lora: LoraState | None
    guidance: float
    conditions: Conditions


@dataclass(frozen=True, slots=True)
class Trie:
    """Grows pass by pass; `segments` cuts what has grown."""

    _entries: dict[bytes, FromNoise | FromHandoff] = field(
        default_factory=dict[bytes, "FromNoise | FromHandoff"]
    )
    _steps: dict[bytes, _Step] = field(default_factory=dict[bytes, _Step])
    _branches: Counter[bytes] = field(default_factory=Counter[bytes])

    def add(self, entry: FromNoise | FromHandoff, sigmas: tuple[float, ...], conditions: Conditions) -> str:
        """Adds the steps of one pass that are not there yet. Returns the key of the latents at its end."""
        key = _digest({"entry": type(entry).__name__, **asdict(entry)})
        self._entries[key] = entry
        # What does not change from step to step is hashed once, however long the prompt is.
        fixed = {g: _fixed_part(conditions, g) for g in (conditions.guidance, 1.0)}
        states = dict[LoraState | None, bytes]()
        for start, end in pairwise(sigmas):
            lora = lora_state(conditions.lora, start)
            if lora not in states:
                states[lora] = _lora_part(lora, conditions.adapter)
            guidance = guidance_at(conditions.guidance, conditions.guidance_sigma, start)
            led = key + fixed[guidance] + states[lora] + pack("<dd", start, end)
            before, key = key, hashlib.sha256(led).digest()
            if key not in self._steps:
                self._steps[key] = _Step(before, start, end, lora, guidance, conditions)
                self._branches[before] += 1
        return key.hex()

    def segments(self) -> tuple[Segment, ...]:
        """The trie cut where it branches, a pass begins, or LoRA or guidance change; parents first."""
        return tuple(self._segment(run) for run in self._runs())

    def _runs(self) -> list[list[bytes]]:
        runs: list[list[bytes]] = []
        ending_at: dict[bytes, list[bytes]] = {}
        for key, step in self._steps.items():
            if self._cut_before(step):
                run = [key]
                runs.append(run)
            else:
                run = ending_at.pop(step.before)
                run.append(key)
            ending_at[key] = run
        return runs

    def _cut_before(self, step: _Step) -> bool:
        before = self._steps.get(step.before)
        if before is None or self._branches[step.before] > 1:
            return True
        return (before.lora, before.guidance) != (step.lora, step.guidance)

    def _segment(self, run: list[bytes]) -> Segment:
        steps = [self._steps[key] for key in run]
        first = steps[0]
        return Segment(
            key=run[-1].hex(),
            entry=self._entries.get(first.before) or Continue(parent=first.before.hex()),
            sigmas=(first.start, *(step.end for step in steps)),
            prompt=first.conditions.prompt,
            guidance=first.guidance,
            lora=first.lora,
            reference=first.conditions.reference,
            size=first.conditions.size,
            reference_size=first.conditions.reference_size,
        )


def lora_state(use: LoraUse | None, sigma: float) -> LoraState | None:
    """The LoRA as it stands in the weights for a step from `sigma`. A scale of 0 is no LoRA."""
    if use is None or use.scale == 0 or not use.on_at(sigma):
        return None
    return LoraState(scale=use.scale, blocks=use.blocks, rank=use.rank)


def noise_seed(seed: int, draw: int) -> int:
    """Seed of the generator that draws the noise of pass `draw`; pass 0 draws from the picture's own seed."""
    return (seed + 0x9E3779B9 * draw) & 0xFFFFFFFF


def _fixed_part(conditions: Conditions, guidance: float) -> bytes:
    return _digest(
        {
            "model": conditions.model,
            "prompt": conditions.prompt,
            "guidance": guidance,
            "reference": conditions.reference,
        }
    )


def _lora_part(lora: LoraState | None, adapter: str | None) -> bytes:
    if lora is None:
        return bytes(32)
    # Without what is not used, so that a key that came later changes no older one.
    used = {key: value for key, value in asdict(lora).items() if value is not None}
    return _digest({"adapter": adapter, **used})


def _digest(record: dict[str, object]) -> bytes:
    return hashlib.sha256(json.dumps(record, sort_keys=True, separators=(",", ":")).encode()).digest()

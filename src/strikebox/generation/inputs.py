"""From what earlier segments left to what a backend is asked: noise, handoffs and references."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import assert_never

import numpy as np
from PIL import Image

from strikebox.generation import handoff
from strikebox.generation.backend import Backend, Denoise, Latents, Pixels, Size
from strikebox.generation.segments import Continue, FromHandoff, FromNoise, Segment, noise_seed


def requests(batch: Sequence[Segment], backend: Backend, latents: Mapping[str, Latents]) -> list[Denoise]:
    """What to ask for segments that agree. `latents` holds, by key, those of every segment that they need.

    A reference is seen as a user would hand it in: as an 8-bit picture. So is a handoff through pixels.
    """
    edited = {s.reference: s.reference_size for s in batch if s.reference and s.reference_size}
    redrawn = {p: s.size for s in batch if (p := _parent_through_pixels(s))}
    references, handed = _as_pictures(edited, backend, latents), _as_pictures(redrawn, backend, latents)
    return [
        Denoise(
            latents=_start(segment, backend, latents, handed),
            sigmas=segment.sigmas,
            prompt=segment.prompt,
            guidance=segment.guidance,
            lora=segment.lora,
            reference=None if segment.reference is None else references[segment.reference],
        )
        for segment in batch
    ]


def decode(backend: Backend, latents: Mapping[str, Latents]) -> dict[str, Pixels]:
    """Pictures of latents of any shapes, by the same keys."""
    shapes: defaultdict[tuple[int, ...], list[str]] = defaultdict(list)
    for key, value in latents.items():
        shapes[value.shape].append(key)
    return {
        key: picture
        for keys in shapes.values()
        for key, picture in zip(keys, backend.decode([latents[key] for key in keys]), strict=True)
    }


def _start(
    segment: Segment, backend: Backend, latents: Mapping[str, Latents], handed: Mapping[str, Latents]
) -> Latents:
    match segment.entry:
        case Continue(parent=parent):
            return latents[parent]
        case FromNoise() as entry:
            return backend.noise(noise_seed(entry.seed, entry.draw), entry.size)
        case FromHandoff() as entry:
            noise = backend.noise(noise_seed(entry.seed, entry.draw), entry.size)
            if entry.parent is None:
                return handoff.mix(np.zeros_like(noise), noise, entry.sigma)
            before = (handed if entry.handoff.through == "pixels" else latents)[entry.parent]
            phases = np.random.default_rng((entry.seed, entry.draw))
            return handoff.mix(handoff.kept(before, entry.handoff, phases), noise, entry.sigma)
        case _:
            assert_never(segment.entry)


def _parent_through_pixels(segment: Segment) -> str | None:
    entry = segment.entry
    return entry.parent if isinstance(entry, FromHandoff) and entry.handoff.through == "pixels" else None


def _as_pictures(
    sizes: Mapping[str, Size], backend: Backend, latents: Mapping[str, Latents]
) -> dict[str, Latents]:
    """Decoded to 8 bits, resized to `sizes` (all of one size) and encoded again."""
    if not sizes:
        return {}
    pictures = decode(backend, {key: latents[key] for key in sizes})
    resized = _resized((pictures[key] for key in sizes), next(iter(sizes.values())))
    return dict(zip(sizes, backend.encode(resized), strict=True))


def _resized(pictures: Iterable[Pixels], size: Size) -> list[Pixels]:
    target = (size.width, size.height)
    images = (Image.fromarray(picture) for picture in pictures)
    return [np.asarray(i if i.size == target else i.resize(target, Image.Resampling.LANCZOS)) for i in images]

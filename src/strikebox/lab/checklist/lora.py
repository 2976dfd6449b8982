"""Rows on the LoRA file: what its scale means, and how much it could remember."""

import json
from math import prod
from pathlib import Path

from strikebox.generation.backend import Model
from strikebox.lab.checklist.row import Row, Verdict, judged
from strikebox.lab.words import count_words
from strikebox.lora.header import Header


def scale(header: Header) -> Row:
    """What scale 1.0 means for this file."""
    alpha = header.alpha
    verdict: Verdict = "go" if alpha.trained == alpha.applied else "look"
    return judged(
        "scale",
        "What scale means",
        f"alpha / rank {_range(alpha.applied)} at scale 1.0",
        {
            "alpha": list(alpha.values) or None,
            "source": str(alpha.source),
            "applied": list(alpha.applied),
            "trained": None if alpha.trained is None else list(alpha.trained),
        },
        (verdict, alpha.meaning()),
    )


def rank(header: Header, pictures: int, variety: float | None) -> Row:
    """The directions that each layer has for the style, against those that the style needs."""
    highest = max(header.ranks)
    figure = f"rank {' and '.join(map(str, header.ranks))}, {header.alpha.describe()}"
    values = {"ranks": list(header.ranks), "pictures": pictures, "variety": variety, "layers": header.layers}
    return judged(
        "rank", "Rank and alpha against dataset size", figure, values, _room(highest, pictures, variety)
    )


def _room(rank: int, pictures: int, variety: float | None) -> tuple[Verdict, str]:
    if rank >= pictures:
        each = f"Each of {count_words(pictures, 'picture')} can have a direction of its own in every layer"
        return "stop", f"{each}; train at a lower rank, or cut this one by SVD (rank in a recipe)."
    if variety is None:
        return "look", "Whether the style needs as many directions was not measured."
    if rank > variety:
        needs = f"The style varies in {variety:.0f} directions, each layer has {rank}"
        return "look", f"{needs}: there is room for more than style; sweep the rank."
    return "go", f"The style varies in {variety:.0f} directions, each layer has {rank}."


def parameters(count: int, pictures: int, model: Model) -> Row:
    """The LoRA's numbers against those of the training pictures as the model sees them: their latents."""
    latents = model.architecture.in_channels * model.tokens(model.size)
    share = count / (pictures * latents)
    figure = f"{count / pictures:,.0f} a picture, {share:.2g} per number of its latents"
    values = {"parameters": count, "per_picture": count / pictures, "per_latent": share, "latents": latents}
    return judged("parameters", "Parameters a training picture", figure, values, _memory(share))


def _memory(share: float) -> tuple[Verdict, str]:
    if share < 1:
        return "go", "It has fewer numbers than the training pictures have latents."
    whole = "It has as many numbers as all training pictures have latents, or more: nothing but the length of"
    return "look", f"{whole} training keeps it from remembering them; measure leakage."


def count_parameters(path: Path) -> int:
    """Numbers in the matrices of the LoRA at `path`, which `header.read` accepts."""
    with path.open("rb") as file:
        tensors = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    shapes = [entry["shape"] for name, entry in tensors.items() if name != "__metadata__"]
    return sum(prod(shape) for shape in shapes if len(shape) >= 2)


def _range(extent: tuple[float, float]) -> str:
    low, high = extent
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"

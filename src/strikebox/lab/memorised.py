"""Which training pictures a LoRA memorised, by looking inside: how well it restores them from noise.

Each picture is mixed with noise at some sigmas and restored in one step, with its caption, with the LoRA and
without it. What the LoRA gains on training pictures is compared with what it gains on held-out ones of the
same style: `metrics/memorisation.py` has the formulas.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from strikebox.errors import LoraError
from strikebox.generation.backend import Backend, LoraState, Model
from strikebox.lab.dataset import Dataset, DatasetPicture
from strikebox.lab.restoring import SIGMAS, Looking, Losses, OnProgress
from strikebox.lab.words import count_words, interval_words, number_words
from strikebox.metrics import memorisation
from strikebox.metrics.memorisation import Memorisation, Separation

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A training picture. p, q and flagged are None where held-out pictures are too few."""

    name: str
    sha256: str  # of the file, hex
    caption: str | None
    gap: float  # log of the loss without the LoRA over that with it: 0.69 where the LoRA halves it
    p: float | None  # conformal, against held-out pictures
    q: float | None  # after Benjamini and Hochberg
    flagged: bool | None  # memorised


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """A held-out picture."""

    name: str
    sha256: str
    gap: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Memorised:
    """What the LoRA knows by heart."""

    pictures: tuple[Known, ...]  # all training pictures, in the order of the dataset
    held_out: tuple[Unseen, ...]
    membership: Separation | None  # of training from held-out pictures by gap; None without held-out ones
    control: Separation | None  # the same by the loss without the LoRA: 0.5 if both are equally hard
    level: float  # false-discovery rate
    sigmas: tuple[float, ...]
    scale: float  # of the LoRA
    model: str
    lora: str | None
    reason: str | None  # why no picture has a p-value, and what to do
    notes: tuple[str, ...]  # reservations, a sentence each

    @property
    def flagged(self) -> tuple[Known, ...]:
        """Memorised pictures, the largest gap first."""
        return tuple(sorted((one for one in self.pictures if one.flagged), key=lambda one: -one.gap))

    @property
    def words(self) -> str:
        """What was found, in a sentence."""
        if self.reason is not None:
            return f"Gaps are shown, and no picture is called memorised: {self.reason}."
        found, count = len(self.flagged), count_words(len(self.pictures), "training picture")
        if not found:
            return (
                f"Of {count} none is restored from noise better than held-out pictures are: "
                "no memory was found."
            )
        be, them = ("is", "it") if found == 1 else ("are", "them")
        return (
            f"{found:,} of {count} {be} restored from noise better than style explains: the LoRA at scale "
            f"{self.scale:g} knows {them} by heart."
        )

    def facts(self) -> dict[str, object]:
        """For JSON; what is not known is null."""
        counted = {"training": len(self.pictures), "held_out_pictures": len(self.held_out)}
        flagged = None if self.reason is not None else len(self.flagged)
        return {**counted, "memorised": flagged, **asdict(self)}


def look(
    backend: Backend,
    training: Dataset,
    held_out: Dataset | None,
    *,
    scale: float = 1.0,
    batch_size: int = 8,
    prompt: str = "",
    on_progress: OnProgress = lambda done, of: None,
) -> Memorised:
    """Look at all pictures; a held-out one that is the very file of a training picture is left out.

    `prompt` is what all pictures are restored with where one of them has no caption: to ask some with their
    captions and some without would compare captions, not pictures. Memory shows best with the captions.
    Raises LoraError where the backend has no LoRA, DatasetError where a picture cannot be read any more,
    ModelError where the model answers with what is no number.
    """
    if backend.model.lora_hash is None:
        raise LoraError("there is no LoRA to look into; give one with --lora")
    seen = {picture.sha256 for picture in training.pictures}
    others = () if held_out is None else held_out.pictures
    unseen = tuple(picture for picture in others if picture.sha256 not in seen)
    pictures = (*training.pictures, *unseen)
    looking = Looking(backend, LoraState(scale=scale), batch_size, _prompts(pictures, prompt))
    losses = looking.losses(pictures, on_progress)
    gaps = memorisation.gaps(losses[:, 0], losses[:, 1])
    count = len(training.pictures)
    found = memorisation.judge(gaps[:count], gaps[count:])
    control = _control(losses, count)
    return Memorised(
        pictures=tuple(_known(training.pictures, gaps[:count], found)),
        held_out=tuple(
            Unseen(name=one.name, sha256=one.sha256, gap=float(gap))
            for one, gap in zip(unseen, gaps[count:], strict=True)
        ),
        membership=found.membership,
        control=control,
        level=memorisation.LEVEL,
        sigmas=SIGMAS,
        scale=scale,
        model=backend.model.name,
        lora=backend.model.lora_name,
        reason=found.reason,
        notes=(
            *_about_pictures(pictures, backend.model, prompt),
            *_about_held_out(len(others) - len(unseen), control),
            *found.notes,
        ),
    )


def _known(pictures: Sequence[DatasetPicture], gaps: Vector, found: Memorisation) -> Iterator[Known]:
    for place, (picture, gap) in enumerate(zip(pictures, gaps.tolist(), strict=True)):
        tested = found.tested
        yield Known(
            name=picture.name,
            sha256=picture.sha256,
            caption=picture.caption,
            gap=gap,
            p=None if tested is None else float(tested.p[place]),
            q=None if tested is None else float(tested.q[place]),
            flagged=None if tested is None else bool(tested.memorised[place]),
        )


def _prompts(pictures: Sequence[DatasetPicture], prompt: str) -> Mapping[str, str]:
    captions = {picture.sha256: picture.caption for picture in pictures}
    if None in captions.values():
        return dict.fromkeys(captions, prompt)
    return {sha256: caption or prompt for sha256, caption in captions.items()}


def _control(losses: Losses, training: int) -> Separation | None:
    """Training against held-out pictures by how easy they are for the base model."""
    easy = -np.log(losses[:, 0]).mean(axis=1)
    return memorisation.separate(easy[:training], easy[training:]) if training < len(easy) else None


def _about_pictures(pictures: Sequence[DatasetPicture], model: Model, prompt: str) -> Iterator[str]:
    size = model.size
    others = sum((one.width, one.height) != (size.width, size.height) for one in pictures)
    if others:
        yield (
            f"{count_words(others, 'picture')} of {len(pictures):,} not {size.width} x {size.height} px: the "
            "centre was cut out and resized. If training cut otherwise, gaps are too small."
        )
    bare = sum(one.caption is None for one in pictures)
    if bare:
        asked = (
            f"\N{LEFT DOUBLE QUOTATION MARK}{prompt}\N{RIGHT DOUBLE QUOTATION MARK}" if prompt else "no words"
        )
        yield (
            f"{count_words(bare, 'picture')} of {len(pictures):,} without a caption: all were restored with "
            f"{asked}, so that pictures are compared and not captions. Give every picture the caption it was "
            "trained with, and memory shows more clearly."
        )
    if model.distilled:
        yield f"{model.name} is distilled: this loss is not what it was trained by, and gaps may tell less."


def _about_held_out(left_out: int, control: Separation | None) -> Iterator[str]:
    if left_out:
        yield (
            f"{count_words(left_out, 'held-out picture')} left out: the same files are in the training set."
        )
    if control is not None and not control.low <= 0.5 <= control.high:
        easier = "easier" if control.auroc > 0.5 else "harder"
        yield (
            f"Without the LoRA training pictures are {easier} to restore than held-out ones (AUROC "
            f"{number_words(control.auroc)}, {interval_words(control.low, control.high, number_words)}; 0.50 "
            "if they are of a kind): part of the difference may be theirs and not the LoRA's."
        )

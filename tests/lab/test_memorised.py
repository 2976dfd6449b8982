"""White-box memory, with backends whose losses are known in closed form."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from strikebox.errors import LoraError, ModelError
from strikebox.generation import toy
from strikebox.generation.backend import Denoise, Latents, LoraState, Model, Pixels, Size
from strikebox.generation.toy import ToyBackend
from strikebox.lab import dataset, restoring
from strikebox.lab.dataset import Dataset
from strikebox.lab.memorised import look
from strikebox.lab.restoring import SIGMAS, fitted

SIZE = Size(height=32, width=16)


@dataclass
class Pulling:
    """The toy, whose LoRA moves what is restored towards the picture itself by a share of the way.

    So its loss is (1 - share)^2 times that without the LoRA, and the gap -2 log(1 - share), at every sigma.
    """

    shares: Mapping[str, float]  # by prompt
    pictures: Mapping[str, Pixels]  # by prompt
    toy: ToyBackend = field(default_factory=lambda: ToyBackend(size=SIZE))
    prompts: list[str] = field(default_factory=list[str])

    @property
    def model(self) -> Model:
        return self.toy.model

    def noise(self, seed: int, size: Size) -> Latents:
        return self.toy.noise(seed, size)

    def denoise(self, batch: Sequence[Denoise]) -> list[Latents]:
        self.prompts += [request.prompt for request in batch]
        plain = self.toy.denoise([replace(request, lora=None) for request in batch])
        if batch[0].lora is None:
            return plain
        return [self._pulled(request, latents) for request, latents in zip(batch, plain, strict=True)]

    def decode(self, latents: Sequence[Latents]) -> list[Pixels]:
        return self.toy.decode(latents)

    def encode(self, pictures: Sequence[Pixels]) -> list[Latents]:
        return self.toy.encode(pictures)

    def _pulled(self, request: Denoise, latents: Latents) -> Latents:
        share = self.shares[request.prompt]
        return (latents + share * (toy.encode(self.pictures[request.prompt]) - latents)).astype(np.float32)


def style(names: Sequence[str], folder: Path, seed: int, captions: bool = True, spread: int = 255) -> Dataset:
    """A folder of random pictures of the model's size."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    for name in names:
        pixels = rng.integers(0, spread + 1, (SIZE.height, SIZE.width, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}.png")
        if captions:
            (folder / f"{name}.txt").write_text(name)
    return dataset.read(folder)


def numbered(kind: str, count: int) -> list[str]:
    return [f"{kind} {number:03}" for number in range(count)]


def pulling(*datasets: Dataset, planted: Sequence[str] = ()) -> Pulling:
    """Style is worth 10% to 50% of the way to any picture, memory 90%."""
    rng = np.random.default_rng(7)
    pictures = {one.caption or "": one.pixels() for data in datasets for one in data.pictures}
    shares = {name: 0.9 if name in planted else float(rng.uniform(0.1, 0.5)) for name in pictures}
    return Pulling(shares, pictures)


@pytest.fixture
def training(tmp_path: Path) -> Dataset:
    return style(numbered("train", 12), tmp_path / "train", seed=1)


@pytest.fixture
def held_out(tmp_path: Path) -> Dataset:
    return style(numbered("unseen", 140), tmp_path / "unseen", seed=2)


def test_gaps_are_those_of_the_closed_form(training: Dataset) -> None:
    """v = a (x - (1 - sigma) mu) - mu, so v - (noise - x_0) can be written down."""
    backend = ToyBackend(size=SIZE)
    found = look(backend, training, None, scale=1.5)
    for picture, one in zip(training.pictures, found.pictures, strict=True):
        clean, noise = toy.encode(picture.pixels()), backend.noise(int(picture.sha256[:8], 16), SIZE)
        ratios = []
        for sigma in SIGMAS:
            x = (1 - sigma) * clean + sigma * noise
            means = [
                toy.mean(picture.caption or "", lora, clean.shape) for lora in (None, LoraState(scale=1.5))
            ]
            base, own = (
                np.square(toy.slope(sigma) * (x - (1 - sigma) * mu) - mu - (noise - clean)).mean()
                for mu in means
            )
            ratios.append(np.log(base / own))
        assert one.gap == pytest.approx(np.mean(ratios), rel=1e-4, abs=1e-6)


def test_planted_memories_are_flagged_and_clean_pictures_are_not(
    training: Dataset, held_out: Dataset
) -> None:
    planted = ["train 003", "train 008"]
    backend = pulling(training, held_out, planted=planted)
    found = look(backend, training, held_out)
    assert [one.caption for one in found.pictures if one.flagged] == planted
    assert {one.caption for one in found.flagged} == set(planted)
    for one in found.pictures:
        assert one.gap == pytest.approx(-2 * np.log(1 - backend.shares[one.caption or ""]), rel=1e-4)
    assert [one.p for one in found.flagged] == pytest.approx([1 / 141] * 2)
    assert found.reason is None and found.membership is not None and len(found.held_out) == 140


def test_nothing_is_flagged_where_the_lora_learned_the_style_alone(
    training: Dataset, held_out: Dataset
) -> None:
    found = look(pulling(training, held_out), training, held_out)
    assert found.flagged == () and min(one.gap for one in found.pictures) > 0
    assert found.membership is not None and found.membership.low < 0.5 < found.membership.high
    assert found.control is not None and found.control.low < 0.5 < found.control.high


def test_a_picture_does_not_depend_on_its_batch_or_on_the_others(training: Dataset) -> None:
    backend = ToyBackend(size=SIZE)
    gaps = {one.name: one.gap for one in look(backend, training, None).pictures}
    some = Dataset(training.path, training.pictures[7:2:-1], ())
    for one in look(backend, some, None, batch_size=2).pictures:
        assert one.gap == gaps[one.name]


def test_the_lora_is_changed_twice_for_many_pictures_and_progress_counts_forwards(
    training: Dataset, held_out: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "_AT_ONCE", 100)
    backend, seen = ToyBackend(size=SIZE), list[tuple[int, int]]()
    look(backend, training, held_out, batch_size=16, on_progress=lambda done, of: seen.append((done, of)))
    states = [lora for _, lora in backend.batches]
    assert sum(one != other for one, other in zip(states, [None, *states], strict=False)) == 3
    forwards = 152 * 2 * len(SIGMAS)
    assert seen[-1] == (forwards, forwards) and [done for done, _ in seen] == sorted(
        {done for done, _ in seen}
    )
    assert sum(rows for rows, _ in backend.batches) == forwards


def test_without_held_out_pictures_there_are_gaps_and_a_reason(training: Dataset) -> None:
    found = look(ToyBackend(size=SIZE), training, None)
    assert all(one.p is None and one.q is None and one.flagged is None for one in found.pictures)
    assert found.membership is None and found.control is None
    assert found.reason is not None and "at least 19" in found.reason
    facts = json.loads(json.dumps(found.facts()))
    assert facts["memorised"] is None and facts["training"] == 12 and facts["pictures"][0]["p"] is None


def test_facts_hold_every_picture(training: Dataset, held_out: Dataset) -> None:
    facts = json.loads(json.dumps(look(pulling(training, held_out), training, held_out).facts()))
    assert facts["memorised"] == 0 and facts["held_out_pictures"] == 140 and facts["sigmas"] == list(SIGMAS)
    assert [one["sha256"] for one in facts["pictures"]] == [one.sha256 for one in training.pictures]
    assert set(facts["membership"]) == {"auroc", "low", "high"}


def test_one_picture_without_a_caption_and_all_are_asked_alike(training: Dataset, tmp_path: Path) -> None:
    bare = style(["bare"], tmp_path / "bare", seed=3, captions=False)
    backend = pulling(training, bare)
    look(backend, training, None)
    assert set(backend.prompts) == {one.caption for one in training.pictures}
    backend = Pulling({"in style": 0.2}, {"in style": np.zeros((SIZE.height, SIZE.width, 3), np.uint8)})
    found = look(backend, training, bare, prompt="in style")
    assert set(backend.prompts) == {"in style"}
    assert "1 picture of 13 without a caption" in found.notes[0] and "in style" in found.notes[0]


def test_a_held_out_picture_that_was_trained_on_is_left_out(training: Dataset, held_out: Dataset) -> None:
    mixed = Dataset(held_out.path, (*held_out.pictures, training.pictures[0]), ())
    found = look(pulling(training, held_out), training, mixed)
    assert len(found.held_out) == 140
    assert any("1 held-out picture left out" in note for note in found.notes)


def test_sets_that_differ_without_the_lora_are_noted(training: Dataset, tmp_path: Path) -> None:
    flat = style(numbered("flat", 40), tmp_path / "flat", seed=4, spread=5)
    found = look(pulling(training, flat), training, flat)
    assert found.control is not None and not found.control.low <= 0.5 <= found.control.high
    assert any("Without the LoRA training pictures are" in note for note in found.notes)


def test_pictures_of_any_size_are_cut_to_their_centre(tmp_path: Path) -> None:
    wide = np.zeros((64, 200, 3), np.uint8)
    wide[:, 84:116] = (200, 40, 30)  # as wide as half its height, which is what the model makes
    (tmp_path / "wide").mkdir()
    Image.fromarray(wide).save(tmp_path / "wide" / "wide.png")
    found = dataset.read(tmp_path / "wide")
    cut = fitted(found.pictures[0], SIZE)
    assert cut.shape == (32, 16, 3) and np.abs(cut.astype(int) - (200, 40, 30)).mean() < 12
    notes = look(ToyBackend(size=SIZE), found, None, prompt="x").notes
    assert "1 picture of 1 not 16 x 32 px" in notes[0]


def test_a_picture_of_the_models_size_is_not_touched(training: Dataset) -> None:
    one = training.pictures[0]
    assert np.array_equal(fitted(one, SIZE), one.pixels())


def test_without_a_lora_there_is_nothing_to_look_into(training: Dataset) -> None:
    with pytest.raises(LoraError, match="--lora"):
        look(ToyBackend(size=SIZE, lora_hash=None), training, None)


def test_an_answer_that_is_no_number_names_the_picture(training: Dataset) -> None:
    backend = pulling(training)
    backend = replace(backend, shares={**backend.shares, "train 005": float("nan")})
    with pytest.raises(ModelError, match=r"train 005\.png .* float32"):
        look(backend, training, None)

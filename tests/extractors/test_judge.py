import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_networks import SIDE, clip, dual, siglip
from transformers import CLIPModel

from strikebox.errors import ExtractorError
from strikebox.extractors.judge import ClipJudge, embedded
from strikebox.generation.backend import Pixels
from strikebox.metrics import anatomy
from strikebox.metrics.features import Judge

DISTRACTORS = embedded().parent / "distractors"


def picture(seed: int, height: int = SIDE, width: int = SIDE) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("make", [clip, siglip, dual])
def test_pictures_and_words_are_unit_vectors_of_one_space(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    judge: Judge = ClipJudge(make(tmp_path))
    pictures, words = np.stack(judge([picture(0), picture(1, 90, 50)])), judge.words(["cat", "fir tree"])
    assert pictures.shape[1] == words.shape[1]
    assert pictures.dtype == words.dtype == np.float32
    assert np.linalg.norm(np.concatenate([pictures, words]), axis=1) == pytest.approx(np.ones(4), abs=1e-5)


def test_features_are_those_of_the_network(tmp_path: Path) -> None:
    """Preparation by hand: mean and deviation of CLIP, no resizing needed."""
    judge, some = ClipJudge(clip(tmp_path)), picture(2)
    network = CLIPModel.from_pretrained(tmp_path).eval()
    mean, deviation = (
        torch.tensor(values)[:, None, None]
        for values in ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711])
    )
    values = (torch.from_numpy(some.copy()).permute(2, 0, 1).float() / 255 - mean) / deviation
    tokens = torch.tensor([[2, 4, 3, 0, 0, 0, 0, 0]])  # <s> cat </s>, padded to 8
    with torch.no_grad():
        out = network(input_ids=tokens, attention_mask=(tokens != 0).long(), pixel_values=values[None])
    assert judge([some])[0] == pytest.approx(out.image_embeds[0].numpy(), abs=1e-5)
    assert judge.words(["cat"])[0] == pytest.approx(out.text_embeds[0].numpy(), abs=1e-5)


def test_a_text_is_framed_once_whoever_frames_it(tmp_path: Path) -> None:
    ours, theirs = ClipJudge(clip(tmp_path / "a")), ClipJudge(clip(tmp_path / "b", frames=True))
    assert ours.words(["fir tree"]) == pytest.approx(theirs.words(["fir tree"]), abs=1e-6)


def test_pictures_and_words_do_not_depend_on_their_company(tmp_path: Path) -> None:
    judge = ClipJudge(clip(tmp_path))
    pictures = [picture(seed, 20 + seed, 40) for seed in range(40)]
    assert judge(pictures)[37] == pytest.approx(judge([pictures[37]])[0], abs=1e-5)
    assert judge.words(["cat", "fir tree dog owl cat dog owl cat dog"])[0] == pytest.approx(
        judge.words(["cat"])[0], abs=1e-5
    )
    assert judge([]) == []
    assert judge.words([]).shape == (0, 12)


def test_the_version_is_that_of_the_weights(tmp_path: Path) -> None:
    one, same, other = (clip(tmp_path / name, seed=seed) for name, seed in (("a", 0), ("b", 0), ("c", 1)))
    assert ClipJudge(one).version == ClipJudge(same).version != ClipJudge(other).version


def test_what_is_no_judge_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExtractorError, match="neither a directory here nor a hub id"):
        ClipJudge(tmp_path / "nothing")
    with pytest.raises(ExtractorError, match="neither a directory here nor a hub id"):
        ClipJudge("../nothing/here/either")
    with pytest.raises(ExtractorError, match=r"has no \.safetensors"):
        ClipJudge(tmp_path)
    folder = clip(tmp_path / "other")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "vit"}))
    with pytest.raises(ExtractorError, match="is of kind vit; a judge is of kind clip, siglip"):
        ClipJudge(folder)


@pytest.mark.parametrize("file", ["preprocessor_config.json", "tokenizer.json"])
def test_an_incomplete_judge_is_one_clear_line(tmp_path: Path, file: str) -> None:
    (clip(tmp_path) / file).unlink()
    with pytest.raises(ExtractorError, match="cannot be loaded") as error:
        ClipJudge(tmp_path)
    assert "\n" not in str(error.value)


def test_pickled_weights_are_not_read(tmp_path: Path) -> None:
    folder = clip(tmp_path)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ExtractorError, match=r"has no \.safetensors; no other kind"):
        ClipJudge(folder)


if embedded().is_dir():

    def test_the_embedded_judge_names_animals_far_above_chance() -> None:
        rows = [json.loads(line) for line in (DISTRACTORS / "metadata.jsonl").read_text("utf-8").splitlines()]
        animals = [row for row in rows if row["animal"]]
        pictures = [np.asarray(Image.open(DISTRACTORS / row["file_name"]).convert("RGB")) for row in animals]
        judge, subjects = ClipJudge(), [row["animal"] for row in animals]
        choices = anatomy.names(subjects, [])
        seen = anatomy.judge(np.stack(judge(pictures)), judge.words(choices), choices, subjects)
        assert len(choices) > 20
        assert seen.named.mean() >= 0.7

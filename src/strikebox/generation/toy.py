"""A model whose every answer is known in closed form, to test whatever drives a backend.

Clean latents of a prompt are Gaussian, x_0 ~ N(mu, s^2 I). With x_sigma = (1 - sigma) x_0 + sigma noise and
v(sigma) = (1 - sigma)^2 s^2 + sigma^2 the best velocity is linear in x:

    E[noise - x_0 | x] = a (x - (1 - sigma) mu) - mu,        a = (sigma - (1 - sigma) s^2) / v(sigma)

so Euler steps over sigma_0 > ... > sigma_n, with d = x - (1 - sigma) mu, give

    d_n = d_0 prod_k (1 + a_k (sigma_{k+1} - sigma_k))

Guidance moves mu alone, mu = mu_empty + guidance (mu_prompt - mu_empty), since the velocity is affine in mu.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import final

import numpy as np
from numpy.typing import NDArray

from strikebox.generation.backend import Architecture, Denoise, Latents, LoraState, Model, Pixels, Size

CHANNELS = 12  # red, green and blue of 2 x 2 sub-pixels
SPREAD = 0.5  # s
PIXELS_PER_TOKEN = 16
_RANGE = 4.0  # latents in [-4, 4] are pixels in [0, 255]

Values = NDArray[np.float64]  # shaped as latents are

ARCHITECTURE = Architecture(
    double_blocks=1, single_blocks=2, dim=64, mlp_ratio=3.0, in_channels=CHANNELS, text_dim=32, text_tokens=8
)


@final
class ToyBackend:
    """The linear-Gaussian model as a Backend: instantaneous, exact, the same in any batch.

    It keeps account: `steps` counts how often each single step (latents, sigmas, prompt, ...) was taken,
    `batches` holds rows and LoRA of each denoise, `decoded` and `encoded` count pictures.
    """

    def __init__(
        self,
        size: Size = Size(height=64, width=64),  # noqa: B008  # frozen
        model_hash: str = "toy",
        lora_hash: str | None = "toy-lora",
    ) -> None:
        self._model = Model(
            name="toy",
            hash=model_hash,
            lora_name=None if lora_hash is None else "toy-lora",
            lora_hash=lora_hash,
            size=size,
            pixels_per_token=PIXELS_PER_TOKEN,
            distilled=False,
            architecture=ARCHITECTURE,
        )
        self.steps: Counter[str] = Counter()
        self.batches: list[tuple[int, LoraState | None]] = []
        self.decoded = 0
        self.encoded = 0

    @property
    def model(self) -> Model:
        return self._model

    def noise(self, seed: int, size: Size) -> Latents:
        return np.random.default_rng(seed).standard_normal(latent_shape(size), dtype=np.float32)

    def denoise(self, batch: Sequence[Denoise]) -> list[Latents]:
        """Raises ValueError on requests that do not agree."""
        if len({_agreement(request) for request in batch}) != 1:
            raise ValueError("requests of a batch must agree in sigmas, LoRA, shape and reference")
        self.batches.append((len(batch), batch[0].lora))
        return [self._denoise(request) for request in batch]

    def decode(self, latents: Sequence[Latents]) -> list[Pixels]:
        self.decoded += len(latents)
        return [decode(x) for x in latents]

    def encode(self, pictures: Sequence[Pixels]) -> list[Latents]:
        self.encoded += len(pictures)
        return [encode(picture) for picture in pictures]

    def _denoise(self, request: Denoise) -> Latents:
        mu = guided_mean(request)
        x = request.latents
        for start, end in pairwise(request.sigmas):
            self.steps[_step_name(request, x, start, end)] += 1
            # Rounded after each step, so that it does not matter into which segments a pass is cut.
            x = (x + (end - start) * velocity(x, start, mu)).astype(np.float32)
        return x


def latent_shape(size: Size) -> tuple[int, int, int]:
    """(channels, height, width) of packed latents."""
    return CHANNELS, size.height // PIXELS_PER_TOKEN, size.width // PIXELS_PER_TOKEN


def slope(sigma: float) -> float:
    """a of the closed form."""
    return (sigma - (1 - sigma) * SPREAD**2) / ((1 - sigma) ** 2 * SPREAD**2 + sigma**2)


def velocity(x: Latents, sigma: float, mu: Values) -> Values:
    """E[noise - x_0 | x_sigma = x] for data around `mu`."""
    return slope(sigma) * (x - (1 - sigma) * mu) - mu


def guided_mean(request: Denoise) -> Values:
    """mu of the velocity that guidance gives; a reference pulls the prompt's half way to itself."""
    shape, lora = request.latents.shape, request.lora
    empty, prompted = mean("", lora, shape), mean(request.prompt, lora, shape)
    if request.reference is not None:
        prompted = (prompted + request.reference) / 2
    return empty + request.guidance * (prompted - empty)


def mean(prompt: str, lora: LoraState | None, shape: tuple[int, ...]) -> Values:
    """mu: a direction of the prompt plus, where the LoRA is on, one of the LoRA's times its scale."""
    mu = _direction(f"prompt {prompt}", shape)
    if lora is None:
        return mu
    return mu + lora.scale * _direction(_lora_name(lora), shape)


def decode(latents: Latents) -> Pixels:
    """(12, h, w) to (16 h, 16 w, 3): each sub-pixel is a square of 8 x 8 pixels of one colour."""
    channels, height, width = latents.shape
    split = latents.reshape(channels // 4, 2, 2, height, width).transpose(3, 1, 4, 2, 0)
    colours = split.reshape(2 * height, 2 * width, channels // 4)
    levels = np.clip(np.rint((colours + _RANGE) * (255 / (2 * _RANGE))), 0, 255).astype(np.uint8)
    return levels.repeat(8, axis=0).repeat(8, axis=1)


def encode(picture: Pixels) -> Latents:
    """Undoes `decode` up to rounding to 8 bits; the mean of each square of 8 x 8 pixels counts."""
    height, width = (side // PIXELS_PER_TOKEN for side in picture.shape[:2])
    colours = picture.reshape(2 * height, 8, 2 * width, 8, 3).mean(axis=(1, 3)) * (2 * _RANGE / 255) - _RANGE
    split = colours.reshape(height, 2, width, 2, 3).transpose(4, 1, 3, 0, 2)
    return split.reshape(CHANNELS, height, width).astype(np.float32)


def _lora_name(lora: LoraState) -> str:
    return f"lora {lora.blocks}" + ("" if lora.rank is None else f" rank {lora.rank}")


def _direction(name: str, shape: tuple[int, ...]) -> Values:
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
    return 0.3 * np.random.default_rng(seed).standard_normal(shape)


def _agreement(request: Denoise) -> tuple[object, ...]:
    reference = None if request.reference is None else request.reference.shape
    return request.sigmas, request.lora, request.latents.shape, reference


def _step_name(request: Denoise, x: Latents, start: float, end: float) -> str:
    reference = b"" if request.reference is None else request.reference.tobytes()
    conditions = (start, end, request.prompt, request.guidance, request.lora)
    return hashlib.sha256(repr(conditions).encode() + x.tobytes() + reference).hexdigest()

"""Previews of latents by a linear projection to RGB: coarse, in about the right colours, and almost free.

Each token of the latents, with the eight around it, becomes a square of pixels by one matrix. The matrix is
fitted by least squares to pictures drawn for that and what the model's own autoencoder makes of them, so it
fits any model. The embedded model's comes with it (nano/fit_previews.py); others are fitted when a worker
starts.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from strikebox.generation.backend import Backend, Latents, Pixels, Size

_SIDE = 256  # pixels of a preview at most
_FINEST = 8  # pixels of a preview a token at most
_FITTED_AT = 512  # pixels, side of the pictures that the projection is fitted to at most
_TOKENS = 3072  # to fit to at least
_FEWEST = 8  # pictures that hold them
_SHAPES = 12  # on each picture
_RIDGE = 3e-3  # of the mean square of the latents: without it channels that say little are overrated
_QUALITY = 60  # of the WebP file

SHIPPED = resources.files("strikebox") / "embedded" / "previews.npz"

_Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Projection:
    """Latents to pixels: (tokens, 9 channels + 1) @ matrix = (tokens, 3 grain^2), 0 to 255."""

    matrix: _Matrix
    grain: int  # pixels a token, along each side

    @classmethod
    def of(cls, backend: Backend, size: Size, generator: np.random.Generator) -> Self:
        """The shipped one, where that is of this model and size, or one that is fitted now."""
        with np.load(str(SHIPPED), allow_pickle=False) as shipped:
            if shipped["model"] == backend.model.hash and tuple(shipped["size"]) == (size.height, size.width):
                return cls(shipped["matrix"].astype(np.float64), int(shipped["grain"]))
        return cls.fit(backend, size, generator)

    @classmethod
    def fit(cls, backend: Backend, size: Size, generator: np.random.Generator, tokens: int = _TOKENS) -> Self:
        """The best one for pictures of `size` by this model, judged by `tokens` of pictures at least."""
        model = backend.model
        side = min(size.height, size.width, _FITTED_AT) // model.pixels_per_token * model.pixels_per_token
        grain = min(max(_SIDE // (max(size.height, size.width) // model.pixels_per_token), 1), _FINEST)
        count = max(_FEWEST, tokens // (side // model.pixels_per_token) ** 2)
        drawn = [_drawing(number, side, generator) for number in range(count)]
        inputs = [_tokens(latents) for latents in backend.encode(drawn)]
        wanted = [_squares(picture, model.pixels_per_token, grain) for picture in drawn]
        return cls(_least_squares(inputs, wanted), grain)

    def pixels(self, latents: Latents) -> Pixels:
        """A picture of `grain` pixels a token."""
        _, height, width = latents.shape
        squares = (_tokens(latents) @ self.matrix).reshape(height, width, self.grain, self.grain, 3)
        picture = squares.transpose(0, 2, 1, 3, 4).reshape(height * self.grain, width * self.grain, 3)
        return np.clip(np.rint(picture), 0, 255).astype(np.uint8)

    def webp(self, latents: Latents) -> bytes:
        """The same as a small file."""
        buffer = io.BytesIO()
        Image.fromarray(self.pixels(latents)).save(buffer, "WEBP", quality=_QUALITY, method=2)
        return buffer.getvalue()


def _tokens(latents: Latents) -> _Matrix:
    """(channels, height, width) -> (height x width, 9 channels + 1): 3 x 3 tokens around each, then 1."""
    _, height, width = latents.shape
    padded = np.pad(latents.astype(np.float64), ((0, 0), (1, 1), (1, 1)), mode="edge")
    around = [padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3)]
    flat = np.concatenate([*around, np.ones((1, height, width))]).reshape(-1, height * width)
    return flat.T


def _squares(picture: Pixels, token: int, grain: int) -> _Matrix:
    """A picture as one row of `grain` x `grain` colours a token."""
    height, width = picture.shape[0] // token, picture.shape[1] // token
    small = Image.fromarray(picture).resize((width * grain, height * grain), Image.Resampling.BOX)
    split = np.asarray(small, np.float64).reshape(height, grain, width, grain, 3)
    return split.transpose(0, 2, 1, 3, 4).reshape(height * width, -1)


def _least_squares(inputs: Sequence[_Matrix], wanted: Sequence[_Matrix]) -> _Matrix:
    """Hoerl and Kennard 1970: (X'X + k I) B = X'Y, summed over pictures."""
    squares: _Matrix = np.sum([x.T @ x for x in inputs], axis=0)
    products: _Matrix = np.sum([x.T @ y for x, y in zip(inputs, wanted, strict=True)], axis=0)
    ridge = _RIDGE * float(np.trace(squares)) / len(squares)
    return np.linalg.solve(squares + ridge * np.eye(len(squares)), products).astype(np.float64)


def _drawing(number: int, side: int, generator: np.random.Generator) -> Pixels:
    """Discs and boxes, as flat art has them, on white, plain paper and soft fields by turns."""
    picture = _ground(number % 3, side, generator)
    for _ in range(_SHAPES):
        picture[_shape(side, generator)] = generator.integers(0, 256, 3)
    return picture


def _ground(kind: int, side: int, generator: np.random.Generator) -> Pixels:
    if kind == 0:
        return np.full((side, side, 3), 255, np.uint8)
    if kind == 1:
        return np.broadcast_to(generator.integers(0, 256, 3, dtype=np.uint8), (side, side, 3)).copy()
    field = generator.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return np.array(Image.fromarray(field).resize((side, side), Image.Resampling.BICUBIC))


def _shape(side: int, generator: np.random.Generator) -> NDArray[np.bool_]:
    """Which pixels of a square a disc or box covers."""
    rows, columns = np.mgrid[0:side, 0:side] / side
    middle, reach = generator.random(2), generator.uniform(0.02, 0.2)
    far = np.stack([np.abs(rows - middle[0]), np.abs(columns - middle[1])])
    distance = np.hypot(far[0], far[1]) if generator.random() < 0.5 else far.max(axis=0)
    return distance < reach

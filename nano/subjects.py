"""Turns a coloured drawing into the few flat tones that a label can print."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

EMPTY, DARK, SHADE, BODY, LIGHT, ACCENT = range(6)
"""Tones: nothing, lines and eyes, darker than the body, the body, highlights, another hue."""

SIDE = 384
_CLUSTERS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Poster:
    """A subject in tones."""

    tones: npt.NDArray[np.uint8]
    """(height, width), cropped to the subject, its longer side 384."""
    body: npt.NDArray[np.float64]
    """(3,), the body's colour in OKLab."""


def posterise(picture: Image.Image) -> Poster:
    """The tones of an RGBA drawing. The colour that covers most is the body; the rest is told apart from it."""
    picture = _cropped(picture)
    solid = np.asarray(picture.getchannel("A")) > 127
    colours = oklab(np.asarray(picture.convert("RGB").filter(ImageFilter.GaussianBlur(1.5))))
    centres, nearest = _clusters(colours, solid)
    weights = np.bincount(nearest[solid], minlength=len(centres))
    body = _body(centres, weights)
    tone_of = np.array([_tone(centre, centres[body]) for centre in centres], dtype=np.uint8)
    tones = np.where(solid, tone_of[nearest], EMPTY).astype(np.uint8)
    smooth = np.asarray(Image.fromarray(tones).filter(ImageFilter.ModeFilter(5)))
    return Poster(tones=np.where(solid, np.where(smooth > 0, smooth, tones), EMPTY), body=centres[body])


def _body(centres: npt.NDArray[np.float64], weights: npt.NDArray[np.int64]) -> int:
    """Index of the body's cluster: clusters of nearly one colour count together."""
    near = np.linalg.norm(centres[:, None] - centres[None], axis=-1) < 0.09
    return int(np.argmax(near @ weights + 0.1 * weights))


def _tone(colour: npt.NDArray[np.float64], body: npt.NDArray[np.float64]) -> int:
    lightness, lighter = colour[0], colour[0] - body[0]
    if lightness < 0.42:
        return DARK
    if lightness > 0.86 and lighter > 0.05:
        return LIGHT
    if np.hypot(*(colour - body)[1:]) > 0.11:
        return ACCENT
    if lighter > 0.13:
        return LIGHT
    return SHADE if lighter < -0.085 else BODY


def _clusters(
    colours: npt.NDArray[np.float64], solid: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """K-means from quantiles of lightness, so without chance: centres (k, 3) and each pixel's nearest one."""
    sample = colours[solid][:: max(1, int(solid.sum()) // 4000)]
    order = sample[np.argsort(sample[:, 0], kind="stable")]
    centres = order[np.linspace(0, len(order) - 1, _CLUSTERS).astype(int)].copy()
    for _ in range(12):
        nearest = _nearest(sample, centres)
        for k in range(_CLUSTERS):
            if np.any(nearest == k):
                centres[k] = sample[nearest == k].mean(axis=0)
    return centres, _nearest(colours, centres)


def _nearest(colours: npt.NDArray[np.float64], centres: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    return np.argmin(((colours[..., None, :] - centres) ** 2).sum(axis=-1), axis=-1)


def _cropped(picture: Image.Image) -> Image.Image:
    box = picture.getchannel("A").point([255 * (a > 127) for a in range(256)]).getbbox() or (
        0,
        0,
        *picture.size,
    )
    subject = picture.crop(box)
    scale = SIDE / max(subject.size)
    size = (max(1, round(subject.width * scale)), max(1, round(subject.height * scale)))
    return subject.convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA")


def oklab(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """sRGB in 0 to 255 to OKLab, last axis of three (Ottosson 2020)."""
    c = rgb.astype(np.float64) / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    lms = np.cbrt(linear @ _LMS.T)
    return lms @ _LAB.T


_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)

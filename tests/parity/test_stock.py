"""Our sampler makes the stock pipeline's pictures from the same noise, in float32: at least 45 dB."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import inf, log10
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from stock_pair import Pair

from strikebox import flow
from strikebox.generation.backend import Denoise, Latents, LoraState, Pixels, Size

STEPS = 8
SEED = 3
PROMPT = "cat, matchbox style"
LEAST = 45.0  # dB


def psnr(one: Pixels, other: Pixels) -> float:
    """Peak signal-to-noise ratio of two pictures in decibels; infinite where they are equal."""
    error = np.square(one.astype(np.float64) - other.astype(np.float64)).mean()
    return inf if error == 0 else 10 * log10(255**2 / error)


def size_of(pair: Pair) -> Size:
    return pair.ours.model.size


def request(pair: Pair, **changes: Any) -> Denoise:
    size = changes.pop("size", size_of(pair))
    return replace(
        Denoise(
            latents=pair.ours.noise(SEED, size),
            sigmas=tuple(flow.schedule(STEPS, flow.time_shift(pair.ours.model.tokens(size), STEPS))),
            prompt=PROMPT,
            guidance=pair.profile.guidance,
            lora=None,
            reference=None,
        ),
        **changes,
    )


def ours(pair: Pair, asked: Denoise) -> Pixels:
    return pair.ours.decode(pair.ours.denoise([asked]))[0]


def stock(pair: Pair, *, size: Size | None = None, **changes: Any) -> Pixels:
    size = size or size_of(pair)
    arguments: dict[str, Any] = {
        "prompt": PROMPT,
        "height": size.height,
        "width": size.width,
        "num_inference_steps": STEPS,
        "guidance_scale": pair.profile.guidance,
        "generator": torch.Generator("cpu").manual_seed(SEED),
        "max_sequence_length": pair.profile.text_tokens,
        "text_encoder_out_layers": pair.profile.text_layers,
    }
    made: Any = pair.stock(**(arguments | changes))
    return np.asarray(made.images[0])


@contextmanager
def stock_lora(pair: Pair, scale: float) -> Iterator[None]:
    pair.stock.load_lora_weights(str(pair.lora.parent), weight_name=pair.lora.name, adapter_name="style")
    pair.stock.set_adapters("style", scale)
    try:
        yield
    finally:
        pair.stock.unload_lora_weights()


def test_the_pictures_have_contrast(pair: Pair) -> None:
    """Of grey pictures PSNR says nothing."""
    assert stock(pair).std() > 20


@pytest.mark.parametrize("guidance", [4.0, 1.0])
def test_text_to_image(pair: Pair, guidance: float) -> None:
    assert psnr(ours(pair, request(pair, guidance=guidance)), stock(pair, guidance_scale=guidance)) >= LEAST


def test_text_to_image_of_another_shape(pair: Pair) -> None:
    size = Size(height=size_of(pair).height // 2, width=size_of(pair).width)
    assert psnr(ours(pair, request(pair, size=size)), stock(pair, size=size)) >= LEAST


def test_edit(pair: Pair) -> None:
    picture = ours(pair, request(pair))
    edited = request(pair, prompt="owl", reference=pair.ours.encode([picture])[0])
    theirs = stock(pair, prompt="owl", image=Image.fromarray(picture))
    assert psnr(ours(pair, edited), theirs) >= LEAST
    assert psnr(theirs, stock(pair, prompt="owl")) < LEAST - 10, "the reference must matter"


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_lora(pair: Pair, scale: float) -> None:
    with stock_lora(pair, scale):
        theirs = stock(pair)
    assert psnr(ours(pair, request(pair, lora=LoraState(scale=scale))), theirs) >= LEAST
    assert psnr(theirs, stock(pair)) < LEAST - 10, "the LoRA must matter"


def test_edit_with_lora(pair: Pair) -> None:
    picture = ours(pair, request(pair))
    with stock_lora(pair, 1.0):
        theirs = stock(pair, image=Image.fromarray(picture))
    asked = request(pair, reference=pair.ours.encode([picture])[0], lora=LoraState(scale=1.0))
    assert psnr(ours(pair, asked), theirs) >= LEAST


def test_gating_switches_the_lora_between_steps(pair: Pair) -> None:
    """On above sigma 0.8, off below: two segments against a stock callback that switches the adapter."""
    whole = request(pair)
    above = sum(sigma > 0.8 for sigma in whole.sigmas)
    on = replace(whole, sigmas=whole.sigmas[: above + 1], lora=LoraState(scale=1.0))
    carried = pair.ours.denoise([on])[0]
    off = replace(whole, latents=carried, sigmas=whole.sigmas[above:])

    def switch(pipeline: Any, step: int, _time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        if step == above - 1:
            pipeline.set_adapters("style", 0.0)
        return tensors

    with stock_lora(pair, 1.0):
        theirs = stock(pair, callback_on_step_end=switch)
    assert 0 < above < STEPS
    assert psnr(ours(pair, off), theirs) >= LEAST


def test_a_picture_does_not_depend_on_its_batch(pair: Pair) -> None:
    """1 against 8 with other noise, other prompts, other guidance, and a neighbour without any."""
    prompts = ("cat", "dog", "fox", "bear", "owl", "", "a cat", "style")
    batch = [
        request(pair, prompt=prompt, guidance=1.0 + row % 3, latents=pair.ours.noise(row, size_of(pair)))
        for row, prompt in enumerate(prompts)
    ]
    together = pair.ours.decode(pair.ours.denoise(batch))
    for asked, picture in zip(batch, together, strict=True):
        assert psnr(picture, ours(pair, asked)) >= LEAST


def test_a_pass_in_segments_is_the_pass(pair: Pair) -> None:
    """Latents handed from one segment to the next lose nothing."""
    whole = request(pair)
    latents: Latents = whole.latents
    for start in range(0, STEPS, 3):
        part = replace(whole, latents=latents, sigmas=whole.sigmas[start : start + 4])
        latents = pair.ours.denoise([part])[0]
    assert np.array_equal(latents, pair.ours.denoise([whole])[0])


def test_encoding_is_the_stock_pipelines(pair: Pair) -> None:
    picture = stock(pair)
    image = pair.stock.image_processor.preprocess(Image.fromarray(picture))
    with torch.no_grad():
        theirs = pair.stock._encode_vae_image(image, generator=torch.Generator())[0].numpy()
    np.testing.assert_allclose(pair.ours.encode([picture])[0], theirs, rtol=1e-4, atol=1e-4)

"""Train klein-nano's autoencoder on drawings and on labels with other slogans than those of the two label sets.

    python nano/train_vae.py --data build/nano --out build/nano/trained --seconds 250
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLFlux2
from training import Clock, arguments, cosine, device, prepare, set_rate
from world import (
    background_colours,
    compose,
    load_autoencoder_labels,
    load_drawings,
    random_affine,
    to_float,
    warp,
)

PEAK_RATE = 8e-4
LABEL_SHARE = 3  # one picture in three is a label
GRADIENT_WEIGHT = 1.0
KL_WEIGHT = 2e-4


def new_vae() -> AutoencoderKLFlux2:
    """16 latent channels at 1/8, light encoder, stronger decoder: 6.0 M parameters."""
    return AutoencoderKLFlux2(
        block_out_channels=(48, 96, 128, 128), decoder_block_out_channels=(64, 128, 160, 160), layers_per_block=1,
        latent_channels=16, norm_num_groups=16, sample_size=128,
    )  # fmt: skip


def edges(picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return picture[..., 1:] - picture[..., :-1], picture[:, :, 1:] - picture[:, :, :-1]


def reconstruction_loss(made: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    """L1 on pixels and on their differences: the second keeps lettering crisp."""
    return F.l1_loss(made, true) + GRADIENT_WEIGHT * sum(
        F.l1_loss(a, b) for a, b in zip(edges(made), edges(true), strict=True)
    )


def psnr(made: torch.Tensor, true: torch.Tensor) -> float:
    """Mean over pictures, dB, for values in -1..1."""
    error = (made.clamp(-1, 1) - true).square().mean((1, 2, 3)).clamp_min(1e-10)
    return (10 * torch.log10(4 / error)).mean().item()


class Pictures:
    """Random batches of drawings on any colour, and of labels."""

    def __init__(self, args: argparse.Namespace, random: torch.Generator) -> None:
        drawings = load_drawings(args.data, every=args.every)
        self.held_out = drawings.where(drawings.held_out).to(device())
        self.drawings = drawings.where(~drawings.held_out).to(device())
        _, labels = load_autoencoder_labels(args.data, every=args.every)
        self.labels = labels.to(device())
        self.random = random

    def batch(self, size: int) -> torch.Tensor:
        labels = size // LABEL_SHARE
        return torch.cat([self._drawings(size - labels), self._labels(labels)]).contiguous(
            memory_format=torch.channels_last
        )

    def _drawings(self, n: int) -> torch.Tensor:
        index = torch.randint(len(self.drawings), (n,), device=device(), generator=self.random)
        moved = warp(self.drawings.rgba[index], random_affine(n, self.random, zoom=0.35, shift=0.15))
        colours = torch.rand(n, 3, device=device(), generator=self.random) * 2 - 1
        white = torch.rand(n, 1, device=device(), generator=self.random) < 0.4
        return compose(moved, self.drawings.ink_only.to(device())[index], torch.where(white, 1.0, colours))

    def _labels(self, n: int) -> torch.Tensor:
        index = torch.randint(len(self.labels), (n,), device=device(), generator=self.random)
        across, down = torch.randint(-6, 7, (2,), device=device(), generator=self.random).tolist()
        return torch.roll(to_float(self.labels[index]), (across, down), (2, 3))

    def held_out_drawings(self) -> torch.Tensor:
        white = background_colours(device())[:1].expand(len(self.held_out), -1)
        return compose(self.held_out.rgba, self.held_out.ink_only.to(device()), white)


@torch.no_grad()
def round_trip(vae: AutoencoderKLFlux2, pictures: torch.Tensor, batch: int = 64) -> torch.Tensor:
    return torch.cat([vae.decode(vae.encode(part).latent_dist.mean).sample.float() for part in pictures.split(batch)])


@torch.no_grad()
def set_normalisation(vae: AutoencoderKLFlux2, pictures: list[torch.Tensor]) -> None:
    """Batch-norm statistics of packed latents: the transformer sees zero mean, unit variance."""
    packed = torch.cat([F.pixel_unshuffle(vae.encode(p).latent_dist.mean.float(), 2) for p in pictures])
    vae.bn.running_mean.copy_(packed.mean((0, 2, 3)))
    vae.bn.running_var.copy_(packed.var((0, 2, 3)))


def train(vae: AutoencoderKLFlux2, pictures: Pictures, args: argparse.Namespace) -> int:
    def loss_of(true: torch.Tensor) -> torch.Tensor:
        posterior = vae.encode(true).latent_dist
        made = vae.decode(posterior.sample()).sample
        return reconstruction_loss(made.float(), true) + KL_WEIGHT * posterior.kl().mean() / (16 * 256)

    step_loss = torch.compile(loss_of) if args.compile else loss_of
    weights = [p for p in vae.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=args.rate, betas=(0.9, 0.98), fused=True)
    clock = Clock(args.seconds)
    for share in clock.laps():
        set_rate(optimizer, cosine(share, args.rate, clock.steps))
        true = pictures.batch(args.batch)
        with torch.autocast(device().type, torch.bfloat16):
            loss = step_loss(true)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimizer.step()
        if clock.steps % args.report == 0:
            print(f"vae {clock.steps} {share:.2f} loss {loss.item():.4f}", flush=True)
    return clock.steps


def main() -> None:
    parser = arguments(__doc__, seconds=250, batch=128)
    parser.add_argument("--decoder-of", type=Path, help="train only the decoder of this autoencoder further")
    parser.add_argument("--rate", type=float, default=PEAK_RATE)
    args = parser.parse_args()
    random = prepare(args.seed)
    pictures = Pictures(args, random)
    vae = AutoencoderKLFlux2.from_pretrained(args.decoder_of) if args.decoder_of else new_vae()
    vae.to(device()).to(memory_format=torch.channels_last)
    if args.decoder_of:  # latents stay what they are, so a transformer trained on them stays right
        vae.encoder.requires_grad_(False)
        vae.quant_conv.requires_grad_(False)
    steps = train(vae, pictures, args)
    vae.eval().requires_grad_(False)
    if not args.decoder_of:
        set_normalisation(vae, [pictures._drawings(128) for _ in range(16 if args.every == 1 else 1)])
    vae.to(torch.bfloat16)
    true = pictures.held_out_drawings()
    quality = psnr(round_trip(vae, true.to(torch.bfloat16)), true)
    vae.save_pretrained(args.out / "vae")
    log = {"steps": steps, "batch": args.batch, "seconds": args.seconds, "seed": args.seed, "held_out_psnr": quality}
    (args.out / "vae.json").write_text(json.dumps(log))
    print("vae", log, flush=True)


if __name__ == "__main__":
    main()

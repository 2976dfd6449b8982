"""Train klein-nano's transformer and text encoder together, with reference tokens in a quarter of the steps.

    python nano/train_klein.py --data build/nano --out build/nano/trained --seconds 890
"""

from __future__ import annotations

import argparse
import copy
import json
from pathlib import Path

import torch
import torch.nn.functional as F
from bank import CAPTIONS, Bank, make_bank
from captions import BACKGROUNDS, ground_en, ground_ru, style_en, style_ru
from diffusers import AutoencoderKLFlux2, Flux2Transformer2DModel
from sets import SETS
from tokens import TEXT_TOKENS, VOCABULARY, encode, train_tokenizer
from torch import nn
from training import Clock, arguments, cosine, device, follow, prepare, set_rate
from transformers import Qwen3Config, Qwen3ForCausalLM
from world import Drawings, load_drawings

PEAK_RATE = 8e-4
AVERAGE_DECAY = 0.9995
EMPTY_SHARE = 0.1
EDIT_SHARE = 0.25
TEXT_LAYERS = (1, 2, 4)
WIDTH = 192
GRID = 8
LATENT_CHANNELS = 64
SHIFT, SPREAD = 2.5, 1.2


class Klein(nn.Module):
    """Text encoder and transformer as one module that predicts the velocity, noise - x0."""

    def __init__(self) -> None:
        super().__init__()
        self.text = Qwen3ForCausalLM(
            Qwen3Config(
                vocab_size=VOCABULARY, hidden_size=WIDTH, intermediate_size=512, num_hidden_layers=4,
                num_attention_heads=3, num_key_value_heads=1, head_dim=64, max_position_embeddings=512,
                tie_word_embeddings=True, pad_token_id=0, bos_token_id=2, eos_token_id=3,
            )
        )  # fmt: skip
        self.transformer = Flux2Transformer2DModel(
            num_layers=2, num_single_layers=4, num_attention_heads=6, attention_head_dim=64,
            in_channels=LATENT_CHANNELS, joint_attention_dim=len(TEXT_LAYERS) * WIDTH, guidance_embeds=False,
            axes_dims_rope=(16, 16, 16, 16),
        )  # fmt: skip

    def embed(self, tokens: torch.Tensor) -> torch.Tensor:
        """Token ids (n, text tokens) to prompt embeddings, as the stock pipeline stacks them."""
        states = self.text(
            input_ids=tokens, attention_mask=(tokens != 0).long(), output_hidden_states=True, use_cache=False
        ).hidden_states
        return torch.cat([states[layer] for layer in TEXT_LAYERS], -1)

    def forward(
        self, noisy: torch.Tensor, sigma: torch.Tensor, tokens: torch.Tensor, reference: torch.Tensor | None
    ) -> torch.Tensor:
        n = len(noisy)
        sequence = noisy if reference is None else torch.cat([noisy, reference], 1)
        places = positions(noisy.device)
        if reference is not None:
            places = torch.cat([places, positions(noisy.device, 10)])
        words = torch.zeros(TEXT_TOKENS, 4, device=noisy.device)
        words[:, 3] = torch.arange(TEXT_TOKENS, device=noisy.device)
        velocity = self.transformer(
            hidden_states=sequence, timestep=sigma, encoder_hidden_states=self.embed(tokens), guidance=None,
            img_ids=places.expand(n, -1, -1), txt_ids=words.expand(n, -1, -1), return_dict=False,
        )[0]  # fmt: skip
        return velocity[:, : noisy.shape[1]]


def positions(where: torch.device, time: int = 0) -> torch.Tensor:
    """(T, H, W, L) coordinates of the grid's tokens; a reference picture has T = 10, as in the stock pipeline."""
    y, x = torch.meshgrid(torch.arange(GRID, device=where), torch.arange(GRID, device=where), indexing="ij")
    places = torch.zeros(GRID * GRID, 4, device=where)
    places[:, 0], places[:, 1], places[:, 2] = time, y.flatten(), x.flatten()
    return places


def corpus(drawings: Drawings) -> list[str]:
    """What the tokenizer learns from: names, and the words that captions are made of, as often as they come."""
    names = [r["en"] for r in drawings.records] + [r["ru"] for r in drawings.records if r["ru"]]
    styles = [f(s.name) for s in SETS for f in (style_en, style_ru)]
    grounds = [f(b.en) for b in BACKGROUNDS for f in (ground_en, ground_ru)]
    return names + (styles + grounds + ["matchbox style, a, of"]) * 100


class Batches:
    """Random batches from the bank: what is asked, what it should become, and what it starts from."""

    def __init__(self, bank: Bank, empty: torch.Tensor, size: int, random: torch.Generator) -> None:
        self.bank, self.empty, self.size, self.random = bank, empty, size, random

    def plain(self) -> tuple[torch.Tensor, torch.Tensor, None]:
        entry = self._entries()
        which = torch.randint(CAPTIONS, (self.size,), device=device(), generator=self.random)
        return self.bank.latents[entry].float(), self._drop(self.bank.tokens[entry, which].long()), None

    def edit(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Half: the same drawing, on the ground that is asked for. Half: the same subject in another set's style."""
        target = self._entries()
        relative = self._relative(self.bank.owner[target])
        other_style = self._chance(0.5) & (relative >= 0)
        other = self.bank.of(relative.clamp_min(0), self.random)
        reference = torch.where(other_style, other, target ^ 1)
        names_all = other_style | self._chance(0.3)
        which = torch.where(names_all, CAPTIONS + 1, CAPTIONS)
        tokens = self._drop(self.bank.tokens[target, which].long())
        return self.bank.latents[target].float(), tokens, self.bank.latents[reference].float()

    def _entries(self) -> torch.Tensor:
        drawing = torch.multinomial(self.bank.weight, self.size, replacement=True, generator=self.random)
        return self.bank.of(drawing, self.random)

    def _relative(self, owner: torch.Tensor) -> torch.Tensor:
        rows = self.bank.relatives[owner]
        count = (rows >= 0).sum(1)
        pick = (torch.rand(len(owner), device=device(), generator=self.random) * count).long()
        return rows.gather(1, pick.clamp_max(rows.shape[1] - 1)[:, None])[:, 0]

    def _drop(self, tokens: torch.Tensor) -> torch.Tensor:
        return torch.where(self._chance(EMPTY_SHARE)[:, None], self.empty, tokens)

    def _chance(self, share: float) -> torch.Tensor:
        return torch.rand(self.size, device=device(), generator=self.random) < share


def random_sigmas(n: int, random: torch.Generator) -> torch.Tensor:
    """Shifted logit-normal: sigma = shift s / (1 + (shift - 1) s), s = sigmoid(spread z)."""
    s = torch.sigmoid(torch.randn(n, device=random.device, generator=random) * SPREAD)
    return SHIFT * s / (1 + (SHIFT - 1) * s)


def train(model: Klein, average: Klein, batches: Batches, args: argparse.Namespace) -> dict[str, float]:
    random = batches.random
    weights = list(model.parameters())
    followers = list(average.parameters())
    predict = torch.compile(model) if args.compile else model
    optimizer = torch.optim.AdamW(weights, lr=PEAK_RATE, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    clock, total, loss_sum = Clock(args.seconds, warm_up=12), 0, torch.zeros((), device=device())
    for share in clock.laps():
        set_rate(optimizer, cosine(share, PEAK_RATE, clock.steps, warm_up=500, flat_until=args.flat_until))
        clean, tokens, reference = batches.edit() if clock.steps % round(1 / EDIT_SHARE) == 1 else batches.plain()
        sigma = random_sigmas(len(clean), random)
        noise = torch.randn(clean.shape, device=device(), generator=random)
        noisy = torch.lerp(clean, noise, sigma[:, None, None])
        with torch.autocast(device().type, torch.bfloat16):
            velocity = predict(noisy, sigma, tokens, reference)
        loss = F.mse_loss(velocity.float(), noise - clean)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        follow(followers, weights, clock.steps, AVERAGE_DECAY)
        loss_sum += loss.detach()
        total += len(clean)
        if (clock.steps + 1) % args.report == 0:
            print(f"klein {clock.steps + 1} {share:.3f} loss {loss_sum.item() / args.report:.4f}", flush=True)
            loss_sum.zero_()
        if (clock.steps + 1) % args.save == 0:
            save(average, args.out)
    return {"steps": clock.steps, "pictures": total, "seconds": args.seconds, "batch": args.batch, "seed": args.seed}


def save(average: Klein, out: Path) -> None:
    for module, name in ((average.text, "text_encoder"), (average.transformer, "transformer")):
        copy.deepcopy(module).to(torch.bfloat16).save_pretrained(out / name, max_shard_size="14MB")


def main() -> None:
    parser = arguments(__doc__, seconds=890, batch=1024)
    parser.add_argument("--places", type=int, default=16, help="places of a drawing in the bank")
    parser.add_argument("--save", type=int, default=4000, help="steps between checkpoints")
    parser.add_argument("--flat-until", type=float, default=0.4, help="share of the time before the rate falls")
    parser.add_argument("--start", type=Path, help="go on from the transformer and text encoder in this folder")
    args = parser.parse_args()
    random = prepare(args.seed)
    drawings = load_drawings(args.data, every=args.every)
    drawings = drawings.where(~drawings.held_out).to(device())
    tokenizer = train_tokenizer(corpus(drawings))
    tokenizer.save_pretrained(args.out / "tokenizer")
    vae = AutoencoderKLFlux2.from_pretrained(args.out / "vae", torch_dtype=torch.bfloat16).to(device()).eval()
    vae.to(memory_format=torch.channels_last)
    bank = make_bank(drawings, vae, tokenizer, args.places, random)
    print("bank", tuple(bank.latents.shape), "std", bank.latents[:5000].float().std().item(), flush=True)
    empty = torch.tensor(encode(tokenizer, [""]), device=device())
    model = Klein()
    if args.start:
        model.text = Qwen3ForCausalLM.from_pretrained(args.start / "text_encoder", dtype=torch.float32)
        model.transformer = Flux2Transformer2DModel.from_pretrained(args.start / "transformer")
    model.to(device()).train()
    average = copy.deepcopy(model).requires_grad_(False)
    log = train(model, average, Batches(bank, empty, args.batch, random), args)
    save(average, args.out)
    (args.out / "klein.json").write_text(json.dumps(log))
    print("klein", log, flush=True)


if __name__ == "__main__":
    main()

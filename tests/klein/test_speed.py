"""Which switches are chosen, what falls back, and that a wrong kernel never makes a picture."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from strikebox.errors import DeviceError
from strikebox.generation.backend import Denoise, LoraState
from strikebox.klein import forward
from strikebox.klein.backend import KleinBackend
from strikebox.klein.speed import attention, compiling, machine, quantising, selfcheck, tuning
from strikebox.klein.speed.options import Options
from strikebox.klein.speed.residence import Bytes, Residence, plan
from strikebox.klein.speed.tiers import PLAIN, Facts, Switches, choose, marked, parse

HOPPER = Facts(kind="cuda", capability=(9, 0), torchao=True, cudnn_frontend=True)
AMPERE = replace(HOPPER, capability=(8, 6))
GIB = 2**30


def backend(tiny: Path, lora: Path | None = None, **options: object) -> KleinBackend:
    return KleinBackend.load(tiny, lora, device="cpu", dtype="float32", options=Options(**options))  # type: ignore[arg-type]


def asked(backend: KleinBackend, **changes: object) -> Denoise:
    noise = backend.noise(1, backend.model.size)
    request = Denoise(
        latents=noise, sigmas=(1.0, 0.8, 0.4, 0.0), prompt="cat", guidance=3.0, lora=None, reference=None
    )
    return replace(request, **changes)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_tiers_of_a_hopper_card() -> None:
    exact, quantised, approximate = (choose(s, HOPPER)[0] for s in ("exact", "quantised", "approximate"))
    assert exact == Switches(once=True, attention=True, fused=True, compiled=True, graphs="any")
    assert quantised == replace(exact, eight="fp8", eight_attention=True)
    assert approximate == replace(quantised, reuse="medium")
    ampere = choose("quantised", AMPERE)[0]
    assert ampere == replace(exact, fused=False, eight="int8"), "blocks are fused in 16 bits and 8-bit floats"


def test_a_processor_computes_once_and_compiles_where_that_was_measured_to_gain() -> None:
    processor = Facts(kind="cpu")
    assert choose("exact", processor) == (Switches(once=True), ())
    assert choose("exact", replace(processor, compile_gains=True))[0].compiled


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (Facts(kind="cpu", torchao=True), "CUDA device"),
        (replace(AMPERE, capability=(7, 5)), "Ampere"),
        (replace(HOPPER, half=False), "bfloat16"),
        (replace(HOPPER, torchao=False), "torchao is missing"),
        (replace(HOPPER, cudnn_frontend=False), "cudnn-frontend is missing"),
        (replace(HOPPER, compiler=False), "Triton"),
    ],
)
def test_what_a_machine_cannot_do_is_said_and_left_out(facts: Facts, words: str) -> None:
    switches, notices = choose("quantised", facts)
    assert any(words in line for line in notices)
    assert switches.once and not (switches.eight and switches.compiled and switches.eight_attention)


def test_an_unknown_tier_is_refused() -> None:
    with pytest.raises(DeviceError, match="exact, quantised, approximate"):
        parse("fast")


def test_only_what_changes_pictures_changes_the_hash() -> None:
    exact = choose("exact", HOPPER)[0]
    assert marked("abc", exact) == marked("abc", PLAIN) == "abc"
    eight = replace(exact, eight="fp8")
    lossy = [eight, replace(eight, eight_attention=True), replace(exact, eight="int8")]
    lossy.append(replace(exact, reuse="fast"))
    assert len({marked("abc", switches) for switches in lossy} | {"abc"}) == 5


def test_the_exact_tier_makes_the_plain_picture(tiny: Path, tiny_lora: Path) -> None:
    plain, fast = backend(tiny, tiny_lora), backend(tiny, tiny_lora, speed="exact")
    assert fast.became.switches.once and fast.model == plain.model
    for lora in (None, LoraState(scale=1.5), None):
        ours, theirs = (one.denoise([asked(one, lora=lora)])[0] for one in (fast, plain))
        assert np.array_equal(ours, theirs)


def test_quantised_on_a_processor_falls_back_and_says_so(tiny: Path) -> None:
    fast = backend(tiny, speed="quantised")
    assert fast.became.switches == Switches(once=True) and fast.became.settings == {}
    assert len(fast.became.notices) == 1 and "not quantised" in fast.became.notices[0]


def test_kept_sets_are_the_merged_weights(tiny: Path, tiny_lora: Path) -> None:
    from diffusers import Flux2Transformer2DModel

    from strikebox.klein.adapter import Adapter

    one, other = (Flux2Transformer2DModel.from_pretrained(tiny / "transformer") for _ in range(2))
    plain, keeping = Adapter(one, tiny_lora), Adapter(other, tiny_lora, sets=2, home=torch.device("cpu"))
    for state in (None, LoraState(scale=1.0), None, LoraState(scale=2.0), LoraState(scale=1.0), None):
        plain.set(state)
        keeping.set(state)
        right = one.state_dict()
        assert all(torch.equal(weight, right[name]) for name, weight in other.state_dict().items())


class Planted:
    """A kernel that is wrong by a little everywhere: the kind of bug that makes nearly good pictures."""

    def __call__(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return attention.kernel(attention.DEFAULT)(query, key, value) * 1.1


def test_a_wrong_or_missing_kernel_is_never_the_fastest() -> None:
    inputs = tuple(torch.randn(2, 8, 2, 16) for _ in range(3))

    def missing(*_: Tensor) -> Tensor:
        raise RuntimeError("no such kernel")

    right = attention.kernel(attention.DEFAULT)
    times = iter([10.0, 1.0])
    kernels = {attention.DEFAULT: right, "wrong": Planted(), "missing": missing, "fast": right}
    assert attention.fastest(kernels, inputs, lambda _: next(times)) == "fast"


def test_the_check_takes_a_wrong_kernel_back(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Even where the measurement was fooled, what reaches pictures is the plain kernel."""
    right = backend(tiny).denoise([asked(backend(tiny))])[0]
    used: list[str] = []

    def use(transformer: torch.nn.Module, name: str) -> None:
        used.append(name)
        for block in transformer.transformer_blocks:  # type: ignore[union-attr]
            block.attn.to_out[0].weight.data *= 1.3 if name != attention.DEFAULT else 1 / 1.3  # type: ignore

    monkeypatch.setattr(attention, "choose", lambda *_, **__: "_native_flash")
    monkeypatch.setattr(attention, "use", use)
    with caplog.at_level(logging.WARNING):
        fast = backend(tiny, switches=Switches(once=True, attention=True))
    assert used == ["_native_flash", attention.DEFAULT]
    assert fast.became.switches == Switches(once=True)
    assert "off by" in fast.became.notices[0] and len(caplog.records) == 1, "said once"
    np.testing.assert_allclose(fast.denoise([asked(fast)])[0], right, rtol=1e-4, atol=1e-4)


def test_a_stale_buffer_is_found(tiny: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A graph that does not read its inputs gives the first step again: only the second step shows it."""

    def capture(run: forward.Run, buffers: forward.Inputs) -> forward.Run:
        return run(buffers).clone  # type: ignore[return-value]

    with caplog.at_level(logging.WARNING):
        made = machine_with(tiny, Switches(once=True, graphs="any"), capture)
    assert made.notices == (), "the steps themselves are right"
    assert [
        "CUDA graphs: off, because a graph's velocities are off" in r.message for r in caplog.records
    ] == [True]


def test_the_check_finds_what_only_later_steps_show(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A runner that gives the first step's velocities again is turned off."""
    from strikebox.klein.speed.graphs import Graphs

    def begin(self: Graphs, first: forward.Inputs, ways: Sequence[forward.Run]) -> Sequence[forward.Run]:
        stale = ways[0](first).clone()
        return [lambda _: stale]

    monkeypatch.setattr(Graphs, "begin", begin)
    made = machine_with(tiny, Switches(once=True, graphs="any"))
    assert made.switches == Switches(once=True) and "CUDA graphs: off" in made.notices[0]


def machine_with(tiny: Path, wanted: Switches, capture: object = None) -> tuning.Tuned:
    from diffusers import Flux2Transformer2DModel

    model = Flux2Transformer2DModel.from_pretrained(tiny / "transformer").eval()
    sample = tuning.Sample(lambda: torch.randn(2, 12, 96, generator=torch.Generator().manual_seed(0)), (4, 4))
    return tuning.Tuned(model, wanted, sample, capture)  # type: ignore[arg-type]


def test_a_compiler_that_fails_is_left_out(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from diffusers import Flux2Transformer2DModel

    def broken(self: Flux2Transformer2DModel, **_: object) -> None:
        for block in self.transformer_blocks:
            block.compile(backend=_failing)

    monkeypatch.setattr(Flux2Transformer2DModel, "compile_repeated_blocks", broken)
    made = machine_with(tiny, Switches(once=True, compiled=True))
    assert made.switches == Switches(once=True) and "compiled blocks: off" in made.notices[0]
    assert not compiling.is_compiled(made._transformer)


def _failing(*_: object) -> None:
    raise RuntimeError("the compiler is broken")


def test_a_compiler_that_fails_later_costs_one_try(tiny: Path) -> None:
    fast = backend(tiny, speed="exact")
    right = fast.denoise([asked(fast)])[0]
    fast._transformer.transformer_blocks[0].compile(backend=_failing)
    assert np.array_equal(fast.denoise([asked(fast)])[0], right)
    assert "compiled blocks" in fast._tuned.notices[0]


def test_compiled_blocks_make_the_plain_velocities(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Traced by torch as on a card, run by aot_eager: this machine may have no C++ compiler."""
    from diffusers import Flux2Transformer2DModel

    def traced(self: Flux2Transformer2DModel, **options: object) -> None:
        for block in (*self.transformer_blocks, *self.single_transformer_blocks):
            block.compile(backend="aot_eager", **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Flux2Transformer2DModel, "compile_repeated_blocks", traced)
    made = machine_with(tiny, Switches(once=True, compiled=True))
    assert made.switches == Switches(once=True, compiled=True) and made.notices == ()


def test_errors_are_of_the_worst_row() -> None:
    right = torch.ones(2, 3, 4, 5)
    wrong = right.clone()
    wrong[1, 2] *= 1.5
    assert selfcheck.error(right, right) == 0
    assert selfcheck.error(wrong, right) == pytest.approx(0.5)
    assert selfcheck.error(right * float("nan"), right) == float("inf")


def test_what_fits_stays_and_the_most_useful_goes_last() -> None:
    klein = Bytes(
        transformer=round(7.75 * GIB * 0.93), touched=round(7.2 * GIB), set=round(7.2 * GIB),
        text=round(6 * GIB), vae=GIB // 6, work=3 * GIB,
    )  # fmt: skip
    assert plan(None, klein) == Residence()
    assert plan(139 * GIB, klein) == Residence(sets=2)
    assert plan(40 * GIB, klein) == Residence()
    assert plan(23 * GIB, klein) == Residence(pristine=False)
    quantised = replace(klein, transformer=klein.transformer // 2, set=klein.set // 2)
    assert plan(11 * GIB, quantised) == Residence(text=False, pristine=False)


def test_only_the_blocks_are_quantised(tiny: Path) -> None:
    from diffusers import Flux2Transformer2DModel

    model = Flux2Transformer2DModel.from_pretrained(tiny / "transformer")
    names = [name for name, _ in quantising.layers(model)]
    assert all(name.startswith(quantising.BLOCKS) for name in names) and len(names) == 28
    left = [name for name, _ in quantising.layers(model, ("transformer_blocks.0.",))]
    assert len(left) == 28 - 12


def test_a_measurement_is_remembered_and_a_broken_file_is_none() -> None:
    device = torch.device("cpu")
    assert machine.recall("x", device, torch.float32) is None
    machine.remember("x", device, torch.float32, 3)
    assert machine.recall("x", device, torch.float32) == 3
    assert machine.recall("x", device, torch.bfloat16) is None
    machine._path().write_text("{", encoding="utf-8")
    assert machine.recall("x", device, torch.float32) is None


def test_the_text_encoder_may_wait_elsewhere(tiny: Path) -> None:
    """Copied layer by layer to where it computes: the same embeddings."""
    from strikebox.klein import weights
    from strikebox.klein.text import PromptEncoder

    def encoder(device: torch.device | None) -> PromptEncoder:
        loaded = weights.load(tiny, device=torch.device("cpu"), dtype=torch.float32)
        return PromptEncoder(
            loaded.text_encoder, loaded.tokenizer, tokens=12, layers=(1, 2, 4), device=device
        )

    assert torch.equal(encoder(torch.device("cpu", 0))(["cat", ""]), encoder(None)(["cat", ""]))

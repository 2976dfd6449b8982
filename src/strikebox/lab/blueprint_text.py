"""A blueprint in words, and as Mermaid text."""

from strikebox.lab.blueprint import Blueprint, Crossing, Station
from strikebox.lab.blueprint_words import Say, english


def mermaid(drawn: Blueprint) -> str:
    """The blueprint as a Mermaid flowchart."""
    lines = ["flowchart TD"]
    for station in drawn.stations:
        words = [
            f"{station.number} · {station.kind}",
            f"“{station.prompt}”",
            lora_words(station),
            cost_words(station),
        ]
        lines.append(f'  p{station.number}["{_mermaid_text(words)}"]')
        if station.number > 1:
            arrow = _mermaid_text(arrival_words(station))
            lines.append(f'  p{station.number - 1} -->|"{arrow}"| p{station.number}')
    lines.append(f'  p{len(drawn.stations)} --> picture(["{_mermaid_text([total_words(drawn)])}"])')
    return "\n".join(lines) + "\n"


def arrival_words(station: Station, say: Say = english) -> list[str]:
    """How a pass takes over from the one before, one line each."""
    before, crossing = station.number - 1, station.entrance
    if crossing is None:
        return [say("looks-at", number=before), say("reference-tokens", n=station.reference_tokens)]
    lines = [
        say("start", sigma=crossing.sigma, strength=crossing.strength),
        handoff_words(crossing, say),
    ]
    if crossing.verdict != "not run":
        lines += [survivor_words(crossing, say), *bits_words(crossing, say)]
    return [*lines, verdict_words(crossing, before, say)]


def handoff_words(crossing: Crossing, say: Say = english) -> str:
    """What is handed over."""
    handoff = crossing.handoff
    if handoff.keep == "nothing":
        return say("nothing")
    kept = say(f"{handoff.keep}-{handoff.through}", cutoff=handoff.cutoff or 0.0)
    return say("amplitude", kept=kept, share=1 - crossing.sigma)


def survivor_words(crossing: Crossing, say: Say = english) -> str:
    """How many modes stand above the noise."""
    survivors = crossing.survivors
    if survivors is None:
        return say("not-measured")
    if survivors.cycles is None:
        return say("none-survive", modes=crossing.modes)
    alone = survivors.cycles == 0
    reach = say("means-alone") if alone else say("up-to-cycles", cycles=survivors.cycles)
    return say("survive", some=survivors.modes, modes=crossing.modes, reach=reach)


def bits_words(crossing: Crossing, say: Say = english) -> list[str]:
    """How many bits can cross, beside what naming a training image takes."""
    needed = say("naming", images=crossing.training_images, bits=amount(crossing.bits_to_name_one))
    return [say("bits", bits=amount(crossing.bits)), needed]


def verdict_words(crossing: Crossing, before: int, say: Say = english) -> str:
    """Whether pass `before` can matter."""
    return say(f"pass-{crossing.verdict.replace(' ', '-')}", number=before)


def lora_words(station: Station, say: Say = english) -> str:
    """The LoRA's scale and where it is on."""
    use = station.lora
    if use is None:
        return say("no-lora")
    if station.lora_steps == station.steps:
        where = say("lora-throughout")
    else:
        low, high = use.sigma
        between = "lora-between" if high < 1 else "lora-above"
        where = say(between, low=low, high=high, some=station.lora_steps, n=station.steps)
    blocks = "".join(say("lora-block", name=name, factor=factor) for name, factor in use.blocks)
    rank = "" if use.rank is None else say("lora-rank", rank=use.rank)
    return say("lora", scale=use.scale, rank=rank, where=where, blocks=blocks)


def cost_words(station: Station, say: Say = english) -> str:
    """Steps, forwards and FLOPs of a pass."""
    if not station.runs:
        return say("not-run")
    counted = (say("steps", n=station.steps), say("forwards", n=station.cost.forwards))
    return ", ".join([*counted, flops_words(station.cost.flops)])


def total_words(drawn: Blueprint, say: Say = english) -> str:
    """Size, forwards and FLOPs of one picture."""
    size, cost = drawn.size, drawn.cost
    forwards = say("forwards", n=cost.forwards)
    return say(
        "total", width=size.width, height=size.height, forwards=forwards, flops=flops_words(cost.flops)
    )


def flops_words(flops: int) -> str:
    """FLOPs to three digits with their prefix."""
    for factor, prefix in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M")):
        if flops >= factor:
            return f"{flops / factor:.3g} {prefix}FLOP"
    return f"{flops} FLOP"


def amount(bits: float) -> str:
    """A number of bits, with as many digits as it deserves."""
    return f"{bits:.1f}" if bits < 10 else f"{bits:,.0f}"


def _mermaid_text(lines: list[str]) -> str:
    plain = "<br/>".join(
        line.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;") for line in lines
    )
    return plain.replace("\n", " ")

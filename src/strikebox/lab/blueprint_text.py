"""A blueprint in words, and as Mermaid text."""

from strikebox.lab.blueprint import Blueprint, Crossing, Station


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


def arrival_words(station: Station) -> list[str]:
    """How a pass takes over from the one before, one line each."""
    before, crossing = station.number - 1, station.entrance
    if crossing is None:
        return [f"looks at picture {before}", f"{station.reference_tokens:,} reference tokens, free of noise"]
    lines = [f"start sigma {crossing.sigma:.3f} (strength {crossing.strength:.2f})", handoff_words(crossing)]
    if crossing.verdict != "not run":
        lines += [survivor_words(crossing), *bits_words(crossing)]
    return [*lines, verdict_words(crossing, before)]


def handoff_words(crossing: Crossing) -> str:
    """What is handed over."""
    handoff = crossing.handoff
    what = "latents" if handoff.through == "latents" else "picture"
    match handoff.keep:
        case "whole":
            kept = f"whole {what}"
        case "low-pass":
            kept = f"{what} up to {handoff.cutoff:g} cycles"
        case "mean":
            kept = f"mean of the {what}"
        case "phase-scrambled":
            kept = f"phase-scrambled {what}"
        case "nothing":
            return "nothing is handed over"
    return f"{kept}, at {1 - crossing.sigma:.1%} amplitude"


def survivor_words(crossing: Crossing) -> str:
    """How many modes stand above the noise."""
    survivors = crossing.survivors
    if survivors is None:
        return "what survives: not measured here"
    if survivors.cycles is None:
        return f"0 of {crossing.modes:,} modes survive"
    reach = "means alone" if survivors.cycles == 0 else f"up to {survivors.cycles:.3g} cycles"
    return f"{survivors.modes:,} of {crossing.modes:,} modes survive, {reach}"


def bits_words(crossing: Crossing) -> list[str]:
    """How many bits can cross, beside what naming a training image takes."""
    needed = (
        f"naming 1 of {crossing.training_images:,} training images takes {amount(crossing.bits_to_name_one)}"
    )
    return [f"at most {amount(crossing.bits)} bits cross", needed]


def verdict_words(crossing: Crossing, before: int) -> str:
    """Whether pass `before` can matter."""
    return (
        f"pass {before} is not run" if crossing.verdict == "not run" else f"pass {before} {crossing.verdict}"
    )


def lora_words(station: Station) -> str:
    """The LoRA's scale and where it is on."""
    use = station.lora
    if use is None:
        return "no LoRA"
    if station.lora_steps == station.steps:
        where = " throughout"
    else:
        low, high = use.sigma
        above = f"sigma {low:g} to {high:g}" if high < 1 else f"above sigma {low:g}"
        where = f" {above}, {station.lora_steps} of {station.steps} steps"
    blocks = "".join(f", {name} at {factor:g}" for name, factor in use.blocks)
    rank = "" if use.rank is None else f" cut to rank {use.rank}"
    return f"LoRA at {use.scale!r}{rank}{where}{blocks}"


def cost_words(station: Station) -> str:
    """Steps, forwards and FLOPs of a pass."""
    if not station.runs:
        return "not run"
    return f"{station.steps} steps, {station.cost.forwards} forwards, {flops_words(station.cost.flops)}"


def total_words(drawn: Blueprint) -> str:
    """Size, forwards and FLOPs of one picture."""
    size, cost = drawn.size, drawn.cost
    return f"{size.width} x {size.height} px, {cost.forwards} forwards, {flops_words(cost.flops)}"


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

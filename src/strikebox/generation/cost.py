"""What a forward, a picture and a plan cost.

Counted as matrix products and attention of the transformer, 2 m n k each: no norms, no text encoder, no VAE.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from strikebox.generation.backend import Architecture, Model
from strikebox.generation.plan import Cell, Plan
from strikebox.generation.segments import Segment

_TIME_CHANNELS = 256  # sinusoids that the time enters as


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Forwards and FLOPs are counted before anything runs; seconds are measured, dollars follow from them."""

    forwards: int
    flops: int
    seconds: float | None = None
    dollars: float | None = None

    def __add__(self, other: "Cost") -> "Cost":
        """The sum. What is unknown in one of the two is unknown in the sum."""
        return Cost(
            forwards=self.forwards + other.forwards,
            flops=self.flops + other.flops,
            seconds=_sum_or_none(self.seconds, other.seconds),
            dollars=_sum_or_none(self.dollars, other.dollars),
        )

    def measured(self, seconds: float, dollars_per_hour: float | None) -> "Cost":
        """The same work with the time it took, and with its price where an hour has one."""
        dollars = None if dollars_per_hour is None else seconds * dollars_per_hour / 3600
        return Cost(forwards=self.forwards, flops=self.flops, seconds=seconds, dollars=dollars)


def forward_flops(architecture: Architecture, image_tokens: int, reference_tokens: int = 0) -> int:
    """FLOPs of one forward for one picture, as torch counts them in `Flux2Transformer2DModel`."""
    dim, mlp = architecture.dim, int(architecture.dim * architecture.mlp_ratio)
    picture = image_tokens + reference_tokens
    tokens = picture + architecture.text_tokens
    block = _products(tokens, dim, 4 * dim + 3 * mlp) + 2 * _products(tokens, dim, tokens)
    embed = _products(picture, architecture.in_channels, dim)
    embed += _products(architecture.text_tokens, architecture.text_dim, dim)
    # Modulation: 6 dim for each stream of the double blocks, 3 for the single ones, 2 for the output.
    time = _products(1, _TIME_CHANNELS, dim) + _products(1, dim, dim) + _products(1, dim, 17 * dim)
    out = _products(picture, dim, architecture.in_channels)
    return (architecture.double_blocks + architecture.single_blocks) * block + embed + time + out


def pass_cost(
    model: Model, steps: int, guidance: float, image_tokens: int, reference_tokens: int = 0
) -> Cost:
    """Cost of `steps` steps. Guidance above 1 takes two forwards a step, unless it is distilled in."""
    forwards = steps * (2 if guidance > 1 and not model.distilled else 1)
    return Cost(
        forwards=forwards, flops=forwards * forward_flops(model.architecture, image_tokens, reference_tokens)
    )


def segment_cost(segment: Segment, model: Model) -> Cost:
    """Cost of one segment."""
    reference_tokens = 0 if segment.reference_size is None else model.tokens(segment.reference_size)
    return pass_cost(model, segment.steps, segment.guidance, model.tokens(segment.size), reference_tokens)


def cost_shared(plan: Plan) -> Cost:
    """Cost of the plan as it runs: every segment once."""
    return _total(plan.segments, plan.model)


def cost_alone(plan: Plan, cell: Cell) -> Cost:
    """Cost of one cell if it ran by itself."""
    return _total(plan.paths[cell.key], plan.model)


def cost_all_alone(plan: Plan) -> Cost:
    """Cost of the plan if no two cells shared anything."""
    each = {key: _total(path, plan.model) for key, path in plan.paths.items()}
    return sum((each[cell.key] for cell in plan.cells), NOTHING)


NOTHING = Cost(forwards=0, flops=0, seconds=0.0, dollars=0.0)


def _total(segments: Iterable[Segment], model: Model) -> Cost:
    return sum((segment_cost(segment, model) for segment in segments), NOTHING)


def _products(rows: int, inner: int, columns: int) -> int:
    return 2 * rows * inner * columns


def _sum_or_none(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a + b

"""A plan in parts that share no step, so that each can be made somewhere else."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from strikebox.generation.cost import segment_cost
from strikebox.generation.plan import Cell, Plan
from strikebox.generation.segments import Segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Cells that are made in one place; no other group needs a segment of theirs."""

    cells: tuple[Cell, ...]
    steps: int  # guided ones, shared ones once
    flops: int  # of them


def make_groups(plan: Plan, unfinished: Sequence[Cell], *, batch: int, places: int) -> list[Group]:
    """`unfinished` in groups for so many `places`, the dearest first.

    A group holds up to `batch` families that take the same steps, so that they fill batches; fewer where
    there would not be two groups a place. Cells of one family share steps and stay together. Takes time in
    proportion to the segments.
    """
    families = _families(plan, unfinished)
    most = max(1, min(batch, -(-len(families) // (2 * places))))
    groups = [_group(plan, cells) for cells in _bundles(plan, families, most)]
    return sorted(groups, key=lambda group: -group.flops)  # stable: equal ones in the order of the plan


def _families(plan: Plan, cells: Iterable[Cell]) -> list[list[Cell]]:
    """Cells that share any segment, directly or through others; in the order of `cells`."""
    above: dict[str, str] = {}

    def head(key: str) -> str:
        while above.setdefault(key, key) != key:
            above[key] = above[above[key]]
            key = above[key]
        return key

    firsts: list[tuple[Cell, str]] = []
    for cell in cells:
        path = plan.paths[cell.key]
        for key in (key for segment in path for key in (segment.key, *segment.needs)):
            above[head(key)] = head(path[0].key)
        firsts.append((cell, path[0].key))
    families: defaultdict[str, list[Cell]] = defaultdict(list)
    for cell, first in firsts:
        families[head(first)].append(cell)
    return list(families.values())


def _bundles(plan: Plan, families: Sequence[list[Cell]], most: int) -> Iterable[list[Cell]]:
    """Up to `most` families each; those that take the same steps together and evenly shared out."""
    alike: defaultdict[tuple[object, ...], list[list[Cell]]] = defaultdict(list)
    for family in families:
        alike[_shape(plan, family)].append(family)
    rest: list[list[Cell]] = []
    for some in alike.values():
        if len(some) < most:
            rest += some
            continue
        yield from _evenly(some, most)
    yield from _evenly(rest, most)


def _evenly(families: Sequence[list[Cell]], most: int) -> Iterable[list[Cell]]:
    parts = -(-len(families) // most)
    for part in range(parts):
        start, end = (len(families) * number // parts for number in (part, part + 1))
        yield [cell for family in families[start:end] for cell in family]


def _shape(plan: Plan, family: Iterable[Cell]) -> tuple[object, ...]:
    """Equal where every segment of one can be batched with one of the other."""
    return tuple((s.sigmas, s.lora, s.size, s.reference_size) for s in _segments(plan, family))


def _segments(plan: Plan, cells: Iterable[Cell]) -> Iterable[Segment]:
    """Those that the cells go through, each once."""
    return {segment.key: segment for cell in cells for segment in plan.paths[cell.key]}.values()


def _group(plan: Plan, cells: Sequence[Cell]) -> Group:
    segments = list(_segments(plan, cells))
    return Group(
        cells=tuple(cells),
        steps=sum(segment.steps for segment in segments),
        flops=sum(segment_cost(segment, plan.model).flops for segment in segments),
    )

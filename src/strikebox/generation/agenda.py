"""What is left of a plan, and what comes next: full batches, few changes of the LoRA, few latents waiting."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence, Set
from typing import final

from strikebox.generation.backend import LoraState
from strikebox.generation.plan import Cell, Plan
from strikebox.generation.segments import Segment


@final
class Agenda:
    """The segments that unfinished cells still need, in windows of cells, one window after another.

    A window bounds how many latents wait for their users; within it, segments of all arms, subjects and seeds
    are batched freely.
    """

    def __init__(self, plan: Plan, unfinished: Sequence[Cell], kept: Set[str], window: int) -> None:
        """`kept` are keys of finished segments whose latents are at hand; `window` counts cells."""
        ends = [plan.paths[cell.key][-1].key for cell in unfinished]
        left = _left(plan.segments, ends, kept)
        self._users = Counter([*ends, *(need for segment in left.values() for need in segment.needs)])
        self._windows = iter(_windows(left, _neighbours_together(unfinished, ends), window))
        self._todo: dict[str, Segment] = {}
        self._lora: LoraState | None = None
        self.steps_left = sum(segment.steps for segment in left.values())

    def next_batch(self, size: int) -> list[Segment]:
        """Up to `size` segments that agree and can run now; none when all are finished."""
        if not self._todo:
            self._todo = next(self._windows, self._todo)
        if not self._todo:
            return []
        batch = _next(self._todo, self._lora)[:size]
        self._lora = batch[0].lora
        return batch

    def finish(self, batch: Iterable[Segment]) -> list[str]:
        """Note that a batch is finished. Returns segments whose latents nobody needs any more."""
        used: list[str] = []
        for segment in batch:
            del self._todo[segment.key]
            self.steps_left -= segment.steps
            used += segment.needs
        return self.release(used)

    def release(self, keys: Sequence[str]) -> list[str]:
        """Note that one user of each of `keys` is done. Returns those that nobody needs any more."""
        self._users.subtract(keys)
        return [key for key in dict.fromkeys(keys) if not self.needs(key)]

    def needs(self, key: str) -> bool:
        """Whether an unfinished segment or cell needs the latents of segment `key`."""
        return self._users[key] > 0


def _left(segments: Sequence[Segment], ends: Iterable[str], kept: Set[str]) -> dict[str, Segment]:
    """Segments to run, parents first: what the ends need, and nothing above latents that are kept."""
    needed = set(ends)
    left: list[Segment] = []
    for segment in reversed(segments):
        if segment.key in needed and segment.key not in kept:
            left.append(segment)
            needed.update(segment.needs)
    return {segment.key: segment for segment in reversed(left)}


def _neighbours_together(cells: Iterable[Cell], ends: Iterable[str]) -> list[str]:
    """Ends of the cells, all arms of a subject and seed in a row, because those are what share."""
    groups: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
    for cell, end in zip(cells, ends, strict=True):
        groups[cell.subject, cell.seed].append(end)
    return [end for group in groups.values() for end in group]


def _windows(left: dict[str, Segment], ends: Sequence[str], window: int) -> list[dict[str, Segment]]:
    """Each segment in the first window of `window` ends that needs it, parents first."""
    first: dict[str, int] = {}
    for position, end in enumerate(ends):
        above = [end]
        while above:
            key = above.pop()
            if key in left and key not in first:
                first[key] = position // window
                above.extend(left[key].needs)
    windows: defaultdict[int, dict[str, Segment]] = defaultdict(dict)
    for key, segment in left.items():
        windows[first[key]][key] = segment
    return [windows[number] for number in sorted(windows)]


def _next(todo: dict[str, Segment], lora: LoraState | None) -> list[Segment]:
    """The largest group that can run now, with the LoRA as it stands as long as there is any."""
    ready = [s for s in todo.values() if not any(need in todo for need in s.needs)]
    rows = Counter(segment.lora for segment in ready)
    if lora not in rows:
        # One that waits for another LoRA's results would have to be come back to.
        waiting = {
            s.lora for s in todo.values() if any(n in todo and todo[n].lora != s.lora for n in s.needs)
        }
        lora = max(rows, key=lambda state: (state not in waiting, rows[state]))
    groups: defaultdict[tuple[object, ...], list[Segment]] = defaultdict(list)
    for segment in ready:
        if segment.lora == lora:
            groups[segment.sigmas, segment.size, segment.reference_size].append(segment)
    return max(groups.values(), key=len)

"""Groups share no step, hold every cell once, and can fill batches."""

from dataclasses import replace

import pytest

from strikebox.generation.cost import cost_shared
from strikebox.generation.groups import Group, make_groups
from strikebox.generation.plan import Plan, make_plan
from strikebox.generation.toy import ToyBackend
from strikebox.lab import design

MODEL = ToyBackend().model
SEED = design.load("seed")


def plan_of(name: str) -> Plan:
    return make_plan(design.cells(design.load(name), MODEL), MODEL)


def segments(plan: Plan, group: Group) -> set[str]:
    return {segment.key for cell in group.cells for segment in plan.paths[cell.key]}


@pytest.mark.parametrize("name", ["seed", "controls", "better", "sweep-sigma"])
@pytest.mark.parametrize("places", [1, 2, 8])
def test_groups_share_nothing_and_together_are_the_plan(name: str, places: int) -> None:
    plan = plan_of(name)
    groups = make_groups(plan, plan.cells, batch=8, places=places)
    assert sorted(cell.key for group in groups for cell in group.cells) == sorted(c.key for c in plan.cells)
    each = [segments(plan, group) for group in groups]
    assert sum(map(len, each)) == len(set[str]().union(*each)) == len(plan.segments)
    assert sum(group.steps for group in groups) == plan.guided_steps
    assert sum(group.flops for group in groups) == cost_shared(plan).flops
    assert [group.flops for group in groups] == sorted((group.flops for group in groups), reverse=True)


def test_the_75_pictures_fall_into_batches_of_seven_and_eight() -> None:
    plan = plan_of("seed")
    groups = make_groups(plan, plan.cells, batch=8, places=2)
    families = [len({(cell.subject, cell.seed) for cell in group.cells}) for group in groups]
    assert sorted(families) == [7, 7, 7, 8, 8, 8]


def test_there_are_enough_for_many_places() -> None:
    plan = plan_of("seed")
    assert len(make_groups(plan, plan.cells, batch=8, places=8)) >= 15


def test_families_that_nobody_is_like_go_together() -> None:
    few = replace(SEED, subjects=SEED.subjects[:1], seeds=(1, 2))
    plan = make_plan(design.cells(few, MODEL), MODEL)
    assert len(make_groups(plan, plan.cells, batch=8, places=1)) == 2


def test_nothing_left_is_no_group() -> None:
    assert make_groups(plan_of("seed"), [], batch=8, places=2) == []

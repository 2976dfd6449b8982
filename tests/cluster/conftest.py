"""One cluster of two nodes on this machine, for all tests."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from studios import is_long, patiently

from strikebox.cluster import joining

TOKEN = "0123456789abcdef" * 4
HERE = Path(__file__).parent
FULL = os.environ.get("STRIKEBOX_FAULTS") == "full"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """All in one process, since a cluster takes seconds to start; long ones where they are asked for."""
    left_out = [item for item in items if is_long(getattr(item, "function", None)) and not FULL]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.xdist_group("ray"))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """A head with no room, and two nodes with one CPU each. Nodes may be killed and added."""
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN}
    os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]).rstrip(
        os.pathsep
    )
    joining.load_ray()
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "include_dashboard": False}
    one = patiently(lambda: Cluster(initialize_head=True, head_node_args=head))
    for _ in range(2):
        patiently(lambda: one.add_node(num_cpus=1))
    yield one
    one.shutdown()


@pytest.fixture
def address(cluster: Any) -> str:
    return str(cluster.address)


@pytest.fixture(scope="module")
def ray(cluster: Any) -> Iterator[Any]:
    """Ray, connected to it."""
    with joining.joined(cluster.address) as connected:
        yield connected

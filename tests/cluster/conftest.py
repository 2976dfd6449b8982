"""One cluster of two nodes on this machine, for all tests."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from strikebox.cluster import joining

TOKEN = "0123456789abcdef" * 4


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """A head with no room, and two nodes with one CPU each. Nodes may be killed and added."""
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN}
    here = str(Path(__file__).parent)
    os.environ["PYTHONPATH"] = os.pathsep.join([here, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    joining.load_ray()
    from ray.cluster_utils import Cluster

    one = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    for _ in range(2):
        one.add_node(num_cpus=1)
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

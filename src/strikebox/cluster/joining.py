"""Into a Ray cluster and out of it: with a token, without a dashboard, without telling anybody.

Ray runs whatever it is sent, so a cluster that does not ask for a token is one that anybody may use who
reaches it: it is refused.
"""

import logging
import os
import re
import secrets
import signal
import socket
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from strikebox.errors import ClusterError

LOCAL = "local"  # an address: a cluster of this machine alone, for as long as it is used
AUTO = "auto"  # an address: the cluster that this machine is a node of

_MODE, _TOKEN, _TOKEN_FILE = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"
_DEFAULT_TOKEN_FILE = Path(".ray/auth_token")  # in the home folder
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # what a later Ray will do, without the warning
    "RAY_NUM_REDIS_GET_RETRIES": "5",  # tries to reach the head, a second each
}
_REACH = 5.0  # seconds to open a connection to the head
_PROBE = 60.0  # seconds for the first answer of a node

_log = logging.getLogger(__name__)

Ray = Any  # the module: it has no types that strict checking accepts


@contextmanager
def joined(address: str) -> Generator[Ray]:
    """Ray itself, connected to the cluster at `address`: HOST:PORT of its head, AUTO or LOCAL.

    Raises ClusterError where Ray is not installed, the cluster cannot be reached, there is no token, it is
    wrong, or the cluster asks for none.
    """
    if address == LOCAL:
        os.environ[_MODE] = "token"
        os.environ.setdefault(_TOKEN, secrets.token_hex(32))  # dies with this process and its cluster
    else:
        _check_address(address)
        _check_token()
    ray = load_ray()  # which reads the environment once
    with _own_signals():
        _connect(ray, address)
    try:
        _probe(ray)
        yield ray
    finally:
        with suppress(Exception):  # what fails here was lost before
            ray.shutdown()


def load_ray() -> Ray:
    """The module, told to be quiet. Raises ClusterError where it is not installed."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError:
        raise ClusterError("Ray is not installed; run pip install 'strikebox[cluster]'") from None
    return ray


def _check_address(address: str) -> None:
    if address == AUTO:
        return
    parts = re.fullmatch(r"([^\s:/]+|\[[0-9a-fA-F:]+\]):(\d{1,5})", address)
    if parts is None or int(parts[2]) > 65535:
        raise ClusterError(
            f"--ray {address}: is no address; give HOST:PORT as ray start --head prints it, {AUTO} or {LOCAL}"
        )
    try:
        socket.create_connection((parts[1].strip("[]"), int(parts[2])), _REACH).close()
    except OSError as error:
        raise ClusterError(
            f"--ray {address}: nobody answers there ({error.strerror or error}); start its head with "
            "ray start --head"
        ) from None


def _check_token() -> None:
    """Raises ClusterError where there is no token, or its use was turned off."""
    if os.environ.setdefault(_MODE, "token") != "token":
        raise ClusterError(
            f"{_MODE} is {os.environ[_MODE]!r}: a cluster is joined with a token only; set {_MODE}=token on "
            "every node"
        )
    named = os.environ.get(_TOKEN_FILE)
    path = Path(named) if named else Path.home() / _DEFAULT_TOKEN_FILE
    if not os.environ.get(_TOKEN) and not _text(path):
        raise ClusterError(
            f"there is no token for the cluster; set {_TOKEN}, or put it into {path} "
            "(ray get-auth-token --generate makes one)"
        )


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, ValueError):
        return ""


def _connect(ray: Ray, address: str) -> None:
    quiet: dict[str, object] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address == LOCAL:
        quiet |= {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    # Complaints of nodes go to stdout whatever Ray is told, as of 2.60, and stdout may be JSON.
    ray._private.worker.print_to_stdstream = _note
    try:
        ray.init(address=address, **quiet)
    except Exception as error:  # Ray raises whatever it likes, plain Exception among it
        raise ClusterError(f"--ray {address}: {_why(error)}") from None


def _note(data: Mapping[str, Any], ignore_prefix: bool) -> None:
    for line in data["lines"]:
        _log.debug("%s", line)


def _why(error: BaseException) -> str:
    chain = " ".join(str(one) for one in (error, error.__cause__, error.__context__) if one is not None)
    if "InvalidAuthToken" in chain or "authentication token" in chain.lower():
        return f"the cluster refuses this token; give {_TOKEN} the one that its nodes have"
    if "node_ip_address" in chain or "raylet" in chain.lower():
        return "this machine is no node of that cluster; run this on one, or join with ray start --address"
    return f"cannot be joined ({next(iter(chain.splitlines()), type(error).__name__)})"


def _probe(ray: Ray) -> None:
    """Before anything is sent: does a node ask for tokens, and is Strikebox there the same?"""
    try:
        mode, there = ray.get(ray.remote(num_cpus=0)(_state_of_node).remote(), timeout=_PROBE)
    except ray.exceptions.RayError as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ClusterError(
            f"no node of the cluster can run Strikebox ({reason}); install {own_version()} on each"
        ) from None
    if mode != "token":
        raise ClusterError(
            "the cluster asks for no token, so anybody who reaches it may use it; start its nodes with "
            f"{_MODE}=token"
        )
    check_version(there)


def check_version(there: str) -> None:
    """Raises ClusterError where a node has another Strikebox."""
    if there != own_version():
        raise ClusterError(
            f"a node has Strikebox {there}, this machine {own_version()}; install the same version on all"
        )


def own_version() -> str:
    """Strikebox's, as it is installed here."""
    try:
        return version("strikebox")
    except PackageNotFoundError:  # run from the source tree
        return "unknown"


def _state_of_node() -> tuple[str | None, str]:
    return os.environ.get(_MODE), own_version()


@contextmanager
def _own_signals() -> Generator[None]:
    """Ray sets a handler of its own for SIGTERM; who started this process decides."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

"""What workers are called, so that who starts one can say that it died."""

import socket


def worker_name(pid: int) -> str:
    """The worker in process `pid` of this machine."""
    return f"{_host()}-{pid}"


def pid_of(name: str) -> int | None:
    """The process of the worker called `name`; None where that is on another machine."""
    host, _, pid = name.rpartition("-")
    return int(pid) if host == _host() and pid.isdecimal() else None


def _host() -> str:
    return socket.gethostname()[:100]

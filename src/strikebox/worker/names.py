"""What workers are called, so that who starts one can say that it died."""

import socket


def worker_name(pid: int) -> str:
    """The worker in process `pid` of this machine."""
    return f"{socket.gethostname()[:100]}-{pid}"

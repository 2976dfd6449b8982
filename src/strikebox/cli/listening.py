"""A socket to serve pages on."""

import socket

from strikebox.errors import StrikeboxError


def listen(host: str, port: int) -> socket.socket:
    """Raises StrikeboxError where that cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise StrikeboxError(
            f"cannot serve on {host} port {port}: {reason}; give another --port or --host"
        ) from None


def address(host: str, listener: socket.socket) -> str:
    """What to type into a browser."""
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}/"

"""What a process is doing, as Linux tells it in /proc: children, sockets that listen, libraries."""

import re
from pathlib import Path

_LISTENS = "0A"


def family(pid: int) -> list[int]:
    """Children, their children and so on."""
    found: list[int] = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, tasks.read_text().split()):
            found += [child, *family(child)]
    return found


def listening(pid: int) -> list[str]:
    """Addresses on which the process itself listens, as /proc/net/tcp writes them: hexadecimal, HOST:PORT."""
    mine = _sockets(pid)
    tables = (Path(f"/proc/{pid}/net/{name}").read_text() for name in ("tcp", "tcp6"))
    lines = [line.split() for table in tables for line in table.splitlines()[1:]]
    return [fields[1] for fields in lines if fields[3] == _LISTENS and fields[9] in mine]


def libraries(pid: int) -> str:
    """Paths of all files that it has mapped."""
    return Path(f"/proc/{pid}/maps").read_text()


def _sockets(pid: int) -> set[str]:
    """Inodes."""
    found: set[str] = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            match = re.fullmatch(r"socket:\[(\d+)\]", str(descriptor.readlink()))
        except FileNotFoundError:
            continue
        if match is not None:
            found.add(match[1])
    return found

"""Waiting for a site that was just started."""

from __future__ import annotations

import time

import httpx2 as httpx


def until_ready(address: str) -> None:
    """Returns when `address` has all it needs. Raises TimeoutError where that takes minutes."""
    for _ in range(600):
        try:
            if httpx.get(f"{address}/readyz", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    raise TimeoutError("the site was not ready within minutes")

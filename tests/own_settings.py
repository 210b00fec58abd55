"""Settings of an embedded stack that shares neither ports nor data with any other."""

import os
import socket
from itertools import islice
from pathlib import Path

from settings import Settings

CLOSING_PAGE = "https://fernhill.example/close"


def own_settings(directory: Path, **changes: object) -> Settings:
    """Settings with free ports, and data kept under `directory`."""
    ports = iter(free_ports(4))
    values: dict[str, object] = {
        "data_dir": directory / "data",
        "company_closing_url": CLOSING_PAGE,
        "web_port": next(ports),
        "mail_sandbox_port": next(ports),
        "temporal_port": next(ports),
        "temporal_ui_port": next(ports),
    }
    return Settings.model_validate({**values, **changes})


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, each given out once in this process.

    They lie below those that systems hand out by themselves: Temporal's server takes some of these
    for its own parts, and would now and then take one that we had chosen for another part.
    """
    return list(islice((port for port in _CANDIDATES if _is_free(port)), count))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


_FIRST, _LAST = 10_000, 32_000
_CANDIDATES = iter(range(_FIRST + os.getpid() * 97 % 20_000, _LAST))

"""Settings of an embedded stack that shares neither ports nor data with any other."""

import socket
from pathlib import Path

from settings import Settings


def own_settings(directory: Path, **changes: object) -> Settings:
    """Settings with free ports, and data kept under `directory`."""
    ports = iter(free_ports(4))
    values: dict[str, object] = {
        "data_dir": directory / "data",
        "web_port": next(ports),
        "mail_sandbox_port": next(ports),
        "temporal_port": next(ports),
        "temporal_ui_port": next(ports),
    }
    return Settings.model_validate({**values, **changes})


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()

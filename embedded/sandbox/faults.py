"""How the sandbox misbehaves on demand: by switch for whole requests, by address for one copy."""

import threading
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, Field

Mode = Literal["off", "429", "500", "reset", "accept-then-reset"]

_EVENTS_BY_PREFIX = {
    "bounce": ("processed", "bounce"),
    "drop": ("dropped",),
    "defer": ("processed", "deferred", "delivered"),
    "complain": ("processed", "delivered", "spamreport"),
}
_EVENTS_OF_A_GOOD_ADDRESS = ("processed", "delivered")


class Fault(BaseModel):
    """What `POST /api/faults` takes: misbehave `times` times (null: until switched off)."""

    mode: Mode = "off"
    times: Annotated[int | None, Field(ge=1)] = 1
    latency_ms: Annotated[int, Field(ge=0, le=60_000)] = 0


@dataclass(frozen=True, kw_only=True)
class Treatment:
    """What happens to one request."""

    mode: Mode
    latency_seconds: float


class Switch:
    """The fault that is switched on; it lives as long as the process."""

    def __init__(self) -> None:
        self._fault = Fault()
        self._lock = threading.Lock()

    def set(self, fault: Fault) -> None:
        """Replace the fault."""
        with self._lock:
            self._fault = fault

    def next_treatment(self) -> Treatment:
        """Return what the next request gets, and count it."""
        with self._lock:
            fault = self._fault
            if fault.times is not None and fault.mode != "off":
                left = fault.times - 1
                self._fault = (
                    fault.model_copy(update={"times": left})
                    if left
                    else Fault(latency_ms=fault.latency_ms)
                )
            return Treatment(mode=fault.mode, latency_seconds=fault.latency_ms / 1000)


def events_for(address: str) -> tuple[str, ...]:
    """Return the delivery events of a copy: addresses that begin with `bounce`, `drop`, `defer` or
    `complain`, alone or before one of `+`, `-`, `.` or digits, meet that fate."""
    local_part = address.partition("@")[0].lower()
    for prefix, events in _EVENTS_BY_PREFIX.items():
        rest = local_part.removeprefix(prefix)
        if rest != local_part and not rest[:1].isalpha():
            return events
    return _EVENTS_OF_A_GOOD_ADDRESS

"""How the sandbox misbehaves on demand, by switch or by address: for whole requests, for what
becomes of copies, and for how delivery events are told."""

import re
import threading
from dataclasses import dataclass
from time import monotonic
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Mode = Literal[
    "off",
    "429",
    "429-without-headers",
    "500",
    "400",
    "401",
    "403",
    "413",
    "reset",
    "accept-then-reset",
]
A_DAY = 86_400.0

FATES = {
    "bounce": ("processed", "bounce"),
    "block": ("processed", "blocked"),
    "drop": ("dropped",),
    "invalid": ("invalid",),
    "defer": ("processed", "deferred", "delivered"),
    "complain": ("processed", "delivered", "spamreport"),
    "return": ("processed", "delivered", "returned"),
}
Fate = Literal["bounce", "block", "drop", "invalid", "defer", "complain", "return"]
_BEGINNING = re.compile(rf"({'|'.join(FATES)})(?![^\W\d_])")
MODES_BY_ADDRESS = ("429", "500", "reset", "accept-then-reset")
_MODE_OF_ADDRESS = re.compile(
    rf'"email"\s*:\s*"({"|".join(MODES_BY_ADDRESS)})(?![A-Za-z0-9])'.encode()
)
_OF_A_GOOD_ADDRESS = ("processed", "delivered")


class EventFault(BaseModel):
    """How delivery events are told; each is right by itself, and stays until switched off."""

    model_config = ConfigDict(extra="forbid")

    duplicate: Annotated[bool, Field(description="Tell each batch twice")] = False
    reorder: Annotated[bool, Field(description="Tell what happened last first")] = False
    new_ids: Annotated[
        bool, Field(description="Give an event another sg_event_id each time it is told")
    ] = False
    delay_seconds: Annotated[
        float, Field(ge=0, le=A_DAY, description="Tell so long after the mail was accepted")
    ] = 0
    silent_seconds: Annotated[
        float, Field(ge=0, le=A_DAY, description="Tell nothing for so long from now on")
    ] = 0


class Fault(BaseModel):
    """What `POST /api/faults` takes: misbehave `times` times (null: until switched off).

    `field` is what a 400 complains about; `fate` what becomes, until switched off, of each copy
    whose address names no fate of its own.
    """

    model_config = ConfigDict(extra="forbid")

    mode: Mode = "off"
    times: Annotated[int | None, Field(ge=1)] = 1
    latency_ms: Annotated[int, Field(ge=0, le=60_000)] = 0
    field: str = "personalizations.0.to.0.email"
    fate: Fate | None = None
    events: EventFault = EventFault()


@dataclass(frozen=True, kw_only=True)
class Treatment:
    """What happens to one request."""

    mode: Mode
    latency_seconds: float
    field: str


class Switch:
    """The fault that is switched on; it lives as long as the process."""

    def __init__(self) -> None:
        self._fault = Fault()
        self._silent_until = 0.0
        self._lock = threading.Lock()

    def set(self, fault: Fault) -> None:
        """Replace the fault."""
        with self._lock:
            self._fault = fault
            self._silent_until = monotonic() + fault.events.silent_seconds

    def standing(self) -> Fault:
        """Return the fault that is switched on."""
        with self._lock:
            return self._fault

    def silent_seconds(self) -> float:
        """Return for how long no event is told yet; 0 when they are told."""
        with self._lock:
            return max(0.0, self._silent_until - monotonic())

    def next_treatment(self, body: bytes = b"") -> Treatment:
        """Return what the next request gets, and count it. An address in it that begins with one
        of MODES_BY_ADDRESS (and no letter or digit after it) decides, each time."""
        with self._lock:
            fault = self._fault
            if named := _MODE_OF_ADDRESS.search(body):
                fault = fault.model_copy(update={"mode": named[1].decode(), "times": None})
            if fault.times is not None and fault.mode != "off":
                left: dict[str, object] = (
                    {"times": fault.times - 1} if fault.times > 1 else {"mode": "off"}
                )
                self._fault = fault.model_copy(update=left)
            return Treatment(
                mode=fault.mode, latency_seconds=fault.latency_ms / 1000, field=fault.field
            )


def events_for(address: str, switched_on: Fate | None = None) -> tuple[str, ...]:
    """Return what becomes of a copy. An address that begins with `bounce`, `block`, `drop`,
    `invalid`, `defer`, `complain` or `return` (and no letter after it) meets that fate; another
    one that which is `switched_on`."""
    found = _BEGINNING.match(address.partition("@")[0].lower())
    fate = found[1] if found else switched_on
    return FATES[fate] if fate else _OF_A_GOOD_ADDRESS

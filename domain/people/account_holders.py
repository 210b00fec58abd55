"""What an account is, how it stands, and which mails it is owed because of that (P4, P5). Pure."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from domain.approvals.approvals import Stage


class Status(StrEnum):
    """How an account stands; only an open one is mailed."""

    OPEN = "open"
    CLOSED = "closed"
    DECEASED = "deceased"


class AccountKind(StrEnum):
    """Whose account it is.

    `organisation`: its address is that of whoever decides for it. `minor`: approvals are void.
    `service`: no natural person stands behind it, which takes a reason.
    """

    PERSON = "person"
    ORGANISATION = "organisation"
    MINOR = "minor"
    SERVICE = "service"


class LeftOut(StrEnum):
    """Why an account is not addressed by a campaign."""

    CLOSED = "closed"
    DECEASED = "deceased"
    EXEMPT = "exempt"


def left_out(status: str, kind: str) -> LeftOut | None:
    """Why an account gets no mail of a campaign, though the version concerns it; None if it does.

    A minor cannot approve, so is told and not asked (P4, P5).
    """
    match status, kind:
        case (Status.CLOSED, _):
            return LeftOut.CLOSED
        case (Status.DECEASED, _):
            return LeftOut.DECEASED
        case (_, AccountKind.SERVICE):
            return LeftOut.EXEMPT
        case _:
            return None


def void_as_a_minors(approved_at: datetime, minor: Iterable[Stage]) -> datetime | None:
    """From when an approval is void because a minor gave it; None when it is not. `minor`: the
    times in which the holder was said to be one.

    Those given before it was known that the holder is a minor count until then, and no longer.
    """
    voids = (
        max(approved_at, stage.at)
        for stage in minor
        if stage.until is None or approved_at < stage.until
    )
    return min(voids, default=None)

"""Imports of accounts: is one under way, was one left in the middle, was it carried on?"""

from datetime import datetime, timedelta

from sqlmodel import Session

from database.imports.import_standings import how_imports_stand
from health.lookout import Answer

LONG = timedelta(minutes=15)
"""The watchdog has come by since."""
A_LARGE_ONE = "a large file takes longer, and is well as long as they become fewer"


def imports(session: Session, now: datetime) -> Answer:
    """In words that name nobody; not well when one waits for longer than by itself it would."""
    found = how_imports_stand(session)
    if found.decided_at is not None:
        word = f"one stands since {_moment(found.decided_at)} and is not done; "
        word += f"rows left: {found.rows_left}"
        well = now - found.decided_at < LONG
        return Answer(
            word=word if well else f"{word}; {A_LARGE_ONE}", well=well, remedy="import-unfinished"
        )
    if found.put_aside_at is not None:
        return Answer(
            word=f"a file was put aside on {_moment(found.put_aside_at)} and is not decided",
            well=now - found.put_aside_at < LONG,
            remedy="import-undecided",
        )
    if found.carried_on_at is not None:
        last = _moment(found.carried_on_at)
        return Answer(word=f"none is under way; one left in the middle was carried on {last}")
    return Answer(word="none is under way")


def _moment(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"

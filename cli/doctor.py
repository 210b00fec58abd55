"""`promisekeeper doctor`: does every part answer, and what mends the one that does not?"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import typer

from cli.options import FormatOption, ListFormat

if TYPE_CHECKING:
    from cli.checkups.check import Check
    from settings import Settings

ALL_WITHIN_SECONDS = 8.0  # two looks at Temporal, one after the other, and at its port
COLUMNS = ("part", "state", "finding", "remedy")


def doctor_command(*, output_format: FormatOption = ListFormat.TABLE) -> None:
    """Check every setting and service, and say what mends each fault."""
    from dataclasses import asdict

    from cli.context import BAD_USAGE, NOT_REACHABLE, THE_ANSWER_IS_NO
    from cli.printing import print_rows
    from settings import SettingsRefused, load_settings

    try:
        settings = load_settings()
    except SettingsRefused as refusal:
        print_rows([asdict(check) for check in _refused(refusal)], COLUMNS, output_format)
        raise typer.Exit(BAD_USAGE) from None
    checks = list(_side_by_side(settings))
    print_rows([asdict(check) for check in checks], COLUMNS, output_format)
    states = {check.state for check in checks}
    if "missing" in states:
        raise typer.Exit(NOT_REACHABLE)
    if "fault" in states:
        raise typer.Exit(THE_ANSWER_IS_NO)
    if "not asked" in states:
        raise typer.Exit(NOT_REACHABLE)


def _side_by_side(settings: "Settings") -> Iterator["Check"]:
    """Every check at once, however many of them hang. What was found before is kept."""
    from concurrent.futures import wait

    # All that looking needs is imported here, before the seconds are counted.
    from cli.checkups import checkups
    from cli.checkups.check import ASK_AGAIN, fault, late, not_asked, ok, remedy_of
    from health.lookout import ask

    yield ok("settings", settings.environment)
    checks = checkups(settings)
    found: dict[str, list[Check]] = {part: [] for part in checks}
    asked = {part: ask(partial(_note, check, found[part])) for part, check in checks.items()}
    wait(asked.values(), timeout=ALL_WITHIN_SECONDS)
    for part, looking in asked.items():
        ended, rows = looking.done(), tuple(found[part])
        yield from rows
        if ended and looking.exception() is not None:
            broken = f"could not be looked at: {type(looking.exception()).__name__}"
            yield fault(part, broken, f"check its settings; {remedy_of(part)}")
        elif not ended and rows:
            unseen = f"not looked at within {ALL_WITHIN_SECONDS:.0f} s"
            yield not_asked(f"more of {part}", unseen, ASK_AGAIN)
        elif not ended:
            yield late(settings, part, ALL_WITHIN_SECONDS)


def _note(check: Callable[[], Iterator["Check"]], found: list["Check"]) -> None:
    """Each finding as it comes: a later look may hang."""
    for one in check():
        found.append(one)  # noqa: PERF402 - `extend` promises nothing before it is done


def _refused(refusal: Exception) -> Iterator["Check"]:
    """A line for each setting that is refused."""
    from cli.checkups.check import fault

    _, *lines = str(refusal).splitlines()
    for line in lines:
        yield fault("settings", line.strip(), "change the environment or .env")

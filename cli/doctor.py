"""`promisekeeper doctor`: does every part answer, and what mends the one that does not?"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import typer

from cli.checkups import RESTART_IT, Check, checkups, fault, missing, remedy_of
from cli.options import FormatOption, ListFormat

if TYPE_CHECKING:
    from settings import Settings

ALL_WITHIN_SECONDS = 7.0
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


def _side_by_side(settings: "Settings") -> Iterator[Check]:
    """Every check at once, however many of them hang."""
    from concurrent.futures import wait

    from health.lookout import ask

    yield Check(part="settings", state="ok", finding=settings.environment)
    asked = {part: ask(partial(_all_of, check)) for part, check in checkups(settings).items()}
    wait(asked.values(), timeout=ALL_WITHIN_SECONDS)
    for part, found in asked.items():
        if found.done() and found.exception() is None:
            yield from found.result()
        elif found.done():
            broken = f"could not be looked at: {type(found.exception()).__name__}"
            yield fault(part, broken, f"check its settings; {remedy_of(part)}")
        else:
            hung = f"has not answered within {ALL_WITHIN_SECONDS:.0f} s, and refuses nobody"
            yield missing(part, hung, f"{RESTART_IT}; is its machine there?")


def _all_of(check: Callable[[], Iterator[Check]]) -> list[Check]:
    return list(check())


def _refused(refusal: Exception) -> Iterator[Check]:
    """A line for each setting that is refused."""
    _, *lines = str(refusal).splitlines()
    for line in lines:
        yield fault("settings", line.strip(), "change the environment or .env")

"""The versions of a policy that were in force before the engine knew it, read and checked. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from domain.conversion import read_policy_file
from domain.texts.policy_text import PolicyRefused, PolicyText

FILE_NAME = re.compile(r"(\d{1,4})\.(?:md|markdown)")
DEFAULT_SUMMARY = "A version from before these records began."


class HistoryRefused(ValueError):
    """The history cannot be taken in; the message names every file and field that is wrong."""


@dataclass(frozen=True, kw_only=True)
class PastVersion:
    """A version that was in force from the midnight, in the company's zone, that begins a day."""

    number: int
    text: PolicyText
    summary: str
    in_force_on: date


def read_history(files: Mapping[str, bytes], today: date) -> tuple[PastVersion, ...]:
    """Read `<number>.md` files, each with `in_force_on` in its front matter (P1), oldest first.

    Raises HistoryRefused for the whole of them: for a file that cannot be read, a number that is
    not its name's, a date that is missing, in the future or not later than that of the version
    before, and for a text that is the same as the one before.
    """
    problems: list[str] = []
    versions: list[PastVersion] = []
    for name, raw in sorted(files.items()):
        try:
            versions.append(_read(name, raw, today))
        except (HistoryRefused, PolicyRefused) as refusal:
            problems.append(f"{name}: {refusal}")
    versions.sort(key=lambda version: version.number)
    problems += _out_of_order(versions)
    if not files:
        problems.append("There is no file in it. Give one <number>.md for each version.")
    if problems:
        raise HistoryRefused("\n".join([*problems, "Nothing was stored."]))
    return tuple(versions)


def _read(name: str, raw: bytes, today: date) -> PastVersion:
    named = FILE_NAME.fullmatch(name)
    if not named:
        raise HistoryRefused("its name is no version number: call it 1.md, 2.md and so on.")
    number = int(named[1])
    text = read_policy_file(raw, name).text
    told = text.front_matter
    if told.get("number", number) != number:
        raise HistoryRefused(f"number: it says {told['number']}, and its name says {number}.")
    on = told.get("in_force_on")
    if type(on) is not date:
        raise HistoryRefused("in_force_on: give the day, as in in_force_on = 2021-05-25.")
    if on > today:
        raise HistoryRefused(f"in_force_on: {on} is still to come. Submit such a version.")
    summary = told.get("summary", DEFAULT_SUMMARY)
    if not isinstance(summary, str) or not summary.strip():
        raise HistoryRefused("summary: it is no text.")
    return PastVersion(number=number, text=text, summary=summary.strip(), in_force_on=on)


def _out_of_order(versions: Iterable[PastVersion]) -> Iterator[str]:
    for earlier, later in pairwise(versions):
        if later.number == earlier.number:
            yield f"Version {later.number} is there twice."
        elif later.in_force_on <= earlier.in_force_on:
            yield (
                f"Version {later.number} is in force on {later.in_force_on}, which is not after "
                f"version {earlier.number} ({earlier.in_force_on})."
            )
        if later.text.sha256 == earlier.text.sha256:
            yield f"Version {later.number} is word for word version {earlier.number}."

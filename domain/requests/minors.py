"""Whether the holder of an account is a minor: who is one where, and how that is found out (P18).

Pure. A report comes from anybody: it stops marketing and sharing at once, but of a few accounts
only, and erases nothing before two of staff found that it is so and the holder was heard.
"""

import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path

from domain.company import OfficeHours
from domain.working_days import working_day_since

_AGES = tomllib.loads(Path(__file__).with_name("ages_of_majority.toml").read_text(encoding="utf-8"))

WORKING_DAYS_TO_CHECK = 3
WORKING_DAYS_TO_BE_HEARD = 2
"""A holder who says nothing has been heard by then; there is a day left to act on it."""
MOST_OF_ONE_REPORTER = 5
MOST_OF_ALL_REPORTERS = 25
"""So many accounts at most are restricted within a day because of reports that nobody of staff has
looked at: of one address, and of all of them, as anybody can type another one each time."""


class MinorEnd(StrEnum):
    """What came of looking into it. `nobody`: no account was found that it could be about."""

    MINOR = "minor"
    NOT_MINOR = "not_minor"
    NOBODY = "nobody"


END_WORDS: Mapping[MinorEnd, str] = {
    MinorEnd.MINOR: "a minor's: restricted, and a request to erase it is made",
    MinorEnd.NOT_MINOR: "not a minor's: the restriction ends, with word to its holder",
    MinorEnd.NOBODY: "no account was found that it could be about",
}
"""For staff."""

LOOKED_INTO = "Thank you for telling us. We look into it."
"""Of a report in the place of an outcome: it says nothing of what there is."""
TO_WHOEVER_REPORTS = (
    "If we have data of whoever you named, we stop its use for marketing and pass none of it on "
    "for now. One of our team looks into it within three working days, and hears whoever holds "
    "the account. What is a minor's, we erase. What comes of it we tell only to whoever holds "
    "the account: everybody who reports a minor gets these words from us, whether there is an "
    "account or not."
)
"""The one answer to every report."""
FOUND_NO_MINOR = (
    "Somebody told us that a minor may be using your account. We looked into it, and found that "
    "this is not so."
)
"""Why a restriction ends that a report brought about."""
BY_CHECK = "two of the team, who found that its holder is a minor"
"""Of the request to erase a minor's data: what showed whose data it is."""


def age_of_majority(country: str | None) -> int:
    """From which age on somebody is no minor any more in a country (a code like DE or US-AL)."""
    by_country: Mapping[str, int] = _AGES["by_country"]
    code = country or ""
    age: int = by_country.get(code) or by_country.get(code.partition("-")[0]) or _AGES["usual"]
    return age


def check_by(opened_at: datetime, office: OfficeHours) -> date:
    """The day by which somebody has looked into it: the third working day."""
    return working_day_since(
        opened_at, WORKING_DAYS_TO_CHECK, time_zone=office.time_zone, country=office.country
    )


def heard_by(informed_at: datetime, office: OfficeHours) -> date:
    """The day from which on it may be decided although the holder said nothing."""
    return working_day_since(
        informed_at, WORKING_DAYS_TO_BE_HEARD, time_zone=office.time_zone, country=office.country
    )


def restricted_at_once(*, of_this_reporter: int, of_all: int) -> int:
    """How many more accounts a report may restrict by itself, after so many within a day."""
    left = min(MOST_OF_ONE_REPORTER - of_this_reporter, MOST_OF_ALL_REPORTERS - of_all)
    return max(left, 0)

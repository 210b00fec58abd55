"""What `promisekeeper doctor` looks at: each check says how a part is, and what mends it."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from cli.checkups import behind_temporal, house, services
from cli.checkups.check import Check
from settings import Settings


def checkups(settings: Settings) -> Mapping[str, Callable[[], Iterator[Check]]]:
    """Everything to look at, by part, each to be run in a thread of its own."""
    mail = "mail sandbox" if settings.development else "mail service"
    return {
        "this code": house.this_code,
        "data directory": partial(house.data_directory, settings),
        "database": partial(house.database, settings),
        "data map": partial(house.data_map, settings),
        "dead-man switch": partial(house.dead_man, settings),
        "Temporal": partial(behind_temporal.temporal_and_behind, settings),
        "Temporal UI": partial(services.temporal_ui, settings),
        mail: partial(services.mail_service, settings),
        "website": partial(services.website, settings),
        "Chromium": partial(house.browser, settings),
    }

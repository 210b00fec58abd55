"""`promisekeeper requests metrics`: how well requests are answered."""

from datetime import timedelta
from typing import Annotated

import typer

from cli.options import FormatOption, ListFormat


def metrics(
    *,
    days: Annotated[
        int, typer.Option(min=0, help="Of requests received in the last so many days; 0 of all")
    ] = 365,
    output_format: FormatOption = ListFormat.TABLE,
) -> None:
    """Count what was received and answered in time, near misses and late replies."""
    from cli.context import opened
    from cli.printing import print_thing
    from database.requests.metrics import request_metrics

    with opened() as office, office.database.session() as session:
        now = office.clock.now()
        since = now - timedelta(days=days) if days else None
        found = request_metrics(session, since, now)
    print_thing(found.to_json_dict(), output_format)

"""`promisekeeper erasures`: a restored backup brings nobody back who was erased (P13)."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import FormatOption, ListFormat

if TYPE_CHECKING:
    from activities.requests.restoring import Again
    from cli.context import Office
    from data_sources.source import DataSource
    from database.requests.tombstones import Mark

COLUMNS = ("source", "erasure", "erased", "kept", "on_hold")
FIELDS = ("erasure_id", "known_as", "erased_at", "source")

app = typer.Typer(no_args_is_help=True, help="Erasures, after a backup was restored.")


@app.command()
def tombstones(
    to: Annotated[Path, typer.Option(metavar="FILE", help="The file to write, CSV")],
) -> None:
    """Write down whom erasures erased, by keyed hashes alone: to be kept apart from the backups.

    Do it after each backup, or once a day: a restore of the engine's own database forgets those
    that came later.
    """
    from cli.context import opened
    from cli.printing import say
    from database.requests.tombstones import every_mark
    from domain.spreadsheet import csv_lines

    with opened() as office, office.database.session() as session:
        marks = every_mark(session)
    rows = ({**vars(mark), "erased_at": mark.erased_at.isoformat()} for mark in marks)
    to.write_text("".join(csv_lines(rows, FIELDS)), encoding="utf-8", newline="")
    erasures = len({mark.erasure_id for mark in marks})
    say(f"{erasures} erasures are in {to}. It names nobody to whoever lacks the suppression key.")


@app.command()
def replay(
    *,
    taken_at: Annotated[
        str,
        typer.Option(
            metavar="INSTANT", help="When the backup was taken, or earlier: 2026-03-01T00:00:00Z"
        ),
    ],
    source: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="A source that was restored; again for each. Default all"
        ),
    ] = None,
    known_from: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="What `erasures tombstones` wrote, where the engine's own database was restored",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Only say what would be erased")] = False,
    output_format: FormatOption = ListFormat.TABLE,
) -> None:
    """Erase again who was erased after a backup was taken, in what was restored from it.

    Do it before anybody works with what was restored. Repeating it is safe.
    """
    from activities.requests.restoring import Backup, cannot_be_searched, erase_again
    from cli.context import instant, opened
    from cli.printing import print_rows, say
    from database.requests.tombstones import erased_since, take_in

    with opened() as office:
        now, key = office.clock.now(), office.settings.suppression_key_bytes
        since = instant(taken_at, now, option="--taken-at")
        with office.database.transaction() as transaction:
            new = take_in(transaction, _read(known_from)) if known_from else 0
            erased = erased_since(transaction, since)
        backup = Backup(sources=_chosen(office, source), erased=erased)
        again = erase_again(office.database, backup, key, now, dry_run=dry_run)
        print_rows(list(_rows(again)), COLUMNS, output_format)
        if output_format is ListFormat.JSON:
            return
        if known_from is not None:
            say(f"{new} tombstones were new.")
        for name in cannot_be_searched(backup):
            say(
                f"{name} cannot be searched for whom nobody can name any more. Ask whoever keeps "
                "it whether it was restored, and to erase there again what was erased since."
            )


def _chosen(office: "Office", names: Sequence[str] | None) -> "Sequence[DataSource]":
    """The sources of the data map that were restored. Ends the command when there is none."""
    from activities.requests.sources import opened_sources
    from cli.printing import stop
    from clock import real_now
    from data_sources.map_file import DataMapRefused

    settings = office.settings
    try:
        sources = opened_sources(
            settings.data_map_file,
            urls=settings.source_urls,
            pseudonym_key=settings.suppression_key_bytes,
            outside_clock=real_now,
        )
    except DataMapRefused as refusal:
        raise stop(refusal, 2) from None
    known = [one.about.name for one in sources]
    if unknown := [name for name in names or () if name not in known]:
        raise stop(
            f"There is no data source {unknown[0]}. The data map names {', '.join(known)}. Nothing "
            "was erased.",
            2,
        )
    return [one for one in sources if not names or one.about.name in names]


def _rows(again: "Iterator[Again]") -> Iterator[dict[str, object]]:
    """A line for each erasure in each source, as it is done. Ends the command in words where a
    source does not answer."""
    from cli.printing import stop
    from data_sources.source import SourceUnavailable, SourceWrong

    try:
        for one in again:
            receipt = one.receipt
            yield {
                "source": one.source,
                "erasure": str(one.erasure_id),
                "erased": sum(part.rows for part in receipt.done) if receipt else 0,
                "kept": sum(part.rows for part in receipt.retained) if receipt else 0,
                "on_hold": receipt is None,
            }
    except (SourceUnavailable, SourceWrong) as fault:
        raise stop(f"{fault} What came before is erased. Repeat the command.", 3) from None


def _read(path: Path) -> "list[Mark]":
    """Ends the command when it is no such file."""
    import csv
    from datetime import datetime
    from uuid import UUID

    from cli.printing import stop
    from database.requests.tombstones import Mark
    from domain.places import in_utc

    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [
                Mark(
                    erasure_id=UUID(row["erasure_id"]),
                    known_as=row["known_as"],
                    erased_at=in_utc(datetime.fromisoformat(row["erased_at"])),
                    source=row.get("source") or "",
                )
                for row in csv.DictReader(file)
            ]
    except (OSError, UnicodeDecodeError, KeyError, ValueError) as fault:
        raise stop(
            f"{path} is not what `erasures tombstones` writes ({type(fault).__name__}). Nothing "
            "was erased.",
            2,
        ) from None

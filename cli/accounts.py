"""`promisekeeper accounts`: import account holders, list them, look at one."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import AsStaff, FormatOption, ListFormat

if TYPE_CHECKING:
    from uuid import UUID

    from cli.account_file import Fault
    from cli.context import Office
    from database.accounts import AccountRow, ImportResult
    from database.tables import Account

SHOWN_FAULTS = 100
LARGEST_SHARE = 0.05
COLUMNS = ("external_id", "email", "name", "locale", "country", "status", "kind", "joined_at")

app = typer.Typer(no_args_is_help=True, help="Account holders: import, list, show.")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A CSV file in UTF-8", show_default=False)],
    as_staff: AsStaff,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Also close or re-address more than 5 % of the accounts")
    ] = False,
) -> None:
    """Add and update accounts from a CSV file: the whole file, or nothing of it.

    Columns: external_id, email, name, locale, time_zone, country, status, kind, joined_at,
    organisation_id, approver, governing_version; the first two are required. A missing column or
    an empty value leaves a known account as it is, and a missing row closes nobody. An import
    never creates an approval.
    """
    from cli.context import opened
    from cli.printing import say

    with opened() as office:
        asserted_by = office.member(as_staff).id
        result = _import(office, file, asserted_by, dry_run=dry_run, yes=yes)
    say(
        f"{'Would import' if dry_run else 'Imported'} {file.name}: {result.added} added, "
        f"{result.updated} updated, {result.unchanged} unchanged."
    )


@app.command("list")
def list_(
    *,
    limit: Annotated[int, typer.Option(min=1, help="How many at most")] = 50,
    offset: Annotated[int, typer.Option(min=0, help="How many to pass over")] = 0,
    output_format: FormatOption = ListFormat.TABLE,
) -> None:
    """List accounts by their external id."""
    from cli.context import opened
    from cli.printing import print_rows, say
    from database.accounts import count_accounts, list_accounts

    with opened() as office, office.database.session() as session:
        accounts = list_accounts(session, limit=limit, offset=offset)
        print_rows([_row(account) for account in accounts], COLUMNS, output_format)
        total = count_accounts(session)
    if output_format is ListFormat.TABLE and total > len(accounts):
        say(f"{len(accounts)} of {total} accounts; see more with --limit and --offset.")


@app.command()
def show(
    external_id: Annotated[str, typer.Argument(help="The account's id", show_default=False)],
    *,
    output_format: FormatOption = ListFormat.TABLE,
) -> None:
    """Show an account, and which version of each policy governs it."""
    from cli.context import opened
    from cli.printing import print_thing
    from database.accounts import account_by_external_id
    from database.approvals import PolicyHistory
    from database.policies import policies

    with opened() as office, office.database.session() as session:
        account = account_by_external_id(session, external_id)
        governed = {
            policy.slug: PolicyHistory(session, policy).governing([account], office.clock.now())
            for policy in policies(session)
        }
        print_thing(
            {
                **_row(account),
                "time_zone": account.time_zone,
                "organisation_id": account.organisation_id,
                "approver": account.approver,
                "recorded_at": account.recorded_at,
                "closed_at": account.closed_at,
                "governing_version": {
                    slug: states[account.id].number if account.id in states else None
                    for slug, states in governed.items()
                },
            },
            output_format,
        )


def _import(
    office: "Office", file: Path, asserted_by: "UUID", *, dry_run: bool, yes: bool
) -> "ImportResult":
    from uuid import uuid4

    from cli.printing import stop
    from database.accounts import ImportNeedsYes, flip, shares_changed, unstage

    import_id = uuid4()
    try:
        faults = _stage(office, file, import_id)
        if faults:
            raise stop(_report(faults), 2)
        with office.database.session() as session:
            changed, known = shares_changed(session, import_id)
        if changed > LARGEST_SHARE * known and not (yes or dry_run):
            raise ImportNeedsYes(
                f"{file.name} closes or re-addresses {changed} of {known} accounts, which is more "
                "than 5 %. Nothing was imported. If that is right, say --yes."
            )
        with office.database.transaction() as transaction:
            result = flip(transaction, import_id, asserted_by=asserted_by, now=office.clock.now())
            if dry_run:
                transaction.rollback()
        return result
    finally:
        unstage(office.database, import_id)


def _stage(office: "Office", file: Path, import_id: "UUID") -> "list[Fault]":
    """Read the file into the staging table, with a progress bar; returns the faults."""
    from rich.console import Console
    from rich.progress import Progress

    from cli.account_file import FileRefused, read_accounts
    from cli.printing import stop
    from database.accounts import stage

    faults: list[Fault] = []
    try:
        size = file.stat().st_size
        with (
            file.open("rb") as stream,
            Progress(console=Console(stderr=True), transient=True) as progress,
        ):
            task = progress.add_task(f"Reading {file.name}", total=size)
            rows = _good_rows(read_accounts(stream), faults)
            for _staged in stage(office.database, import_id, rows, office.clock.now()):
                progress.update(task, completed=stream.tell())
    except FileRefused as refusal:
        raise stop(f"{file}: {refusal} Nothing was imported.", 2) from None
    except OSError as fault:
        reason = (fault.strerror or str(fault)).lower()
        raise stop(f"{file}: {reason}. Nothing was imported.", 2) from None
    return faults


def _good_rows(
    read: "Iterable[AccountRow | Fault]", faults: "list[Fault]"
) -> "Iterator[AccountRow]":
    """The rows to stage; after the first fault none, because nothing will be imported."""
    from cli.account_file import Fault

    for item in read:
        if isinstance(item, Fault):
            faults.append(item)
        elif not faults:
            yield item


def _report(faults: "list[Fault]") -> str:
    shown = [str(fault) for fault in faults[:SHOWN_FAULTS]]
    more = len(faults) - len(shown)
    if more:
        shown.append(f"and {more} more")
    return "\n".join([*shown, "Nothing was imported."])


def _row(account: "Account") -> dict[str, object]:
    return {name: getattr(account, name) for name in COLUMNS}

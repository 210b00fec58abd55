"""`promisekeeper accounts`: import account holders, list them, look at one."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import AsReader, AsStaff, FormatOption, ListFormat

if TYPE_CHECKING:
    from uuid import UUID

    from cli.account_file import Fault
    from cli.context import Office
    from database.imports.account_imports import ImportResult
    from database.people.accounts import AccountRow
    from database.tables import Account

SHOWN_FAULTS = 100
COLUMNS = ("external_id", "email", "name", "locale", "country", "status", "kind", "joined_at")
PERSONAL = ("email", "name")
READERS = ("privacy", "ops", "admin")

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

    Columns: external_id, email, name, locale, time_zone, country, status, kind, exempt_reason,
    joined_at, organisation_id, approver, governing_version; the first two are required. A missing
    column or an empty value leaves a known account as it is, and a missing row closes nobody. An
    import never creates an approval. governing_version, of a new account, is a number; with several
    policies terms:2;privacy-policy:3.
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
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most")] = 50,
    offset: Annotated[int, typer.Option(min=0, help="How many to pass over")] = 0,
    as_staff: AsReader = None,
    output_format: FormatOption = ListFormat.TABLE,
) -> None:
    """List accounts by their external id; with --as who they are."""
    from cli.context import opened
    from cli.printing import print_rows, say
    from database.people.accounts import count_accounts, list_accounts

    with opened() as office, office.database.session() as session:
        accounts = list_accounts(session, limit=limit, offset=offset)
        if as_staff:
            office.record_read(as_staff, READERS, [account.id for account in accounts])
        columns = COLUMNS if as_staff else [name for name in COLUMNS if name not in PERSONAL]
        print_rows([_row(account) for account in accounts], columns, output_format)
        total = count_accounts(session)
    if output_format is ListFormat.TABLE and total > len(accounts):
        say(f"{len(accounts)} of {total} accounts; see more with --limit and --offset.")


@app.command()
def show(
    external_id: Annotated[str, typer.Argument(help="The account's id", show_default=False)],
    *,
    as_staff: AsReader = None,
    output_format: FormatOption = ListFormat.TABLE,
) -> None:
    """Show an account, and which version of each policy governs it; with --as who it is."""
    from cli.context import opened
    from cli.printing import print_thing
    from database.approvals import consents
    from database.approvals.approvals import PolicyHistory
    from database.approvals.governing_lists import decisions, without_approval
    from database.people.accounts import account_by_external_id
    from database.policies.policies import policies

    with opened() as office, office.database.session() as session:
        account = account_by_external_id(session, external_id)
        if as_staff:
            office.record_read(as_staff, READERS, [account.id])
        row = {
            name: value for name, value in _row(account).items() if as_staff or name not in PERSONAL
        }
        histories = [PolicyHistory(session, policy) for policy in policies(session)]
        now = office.clock.now()
        proven = {history: history.proven([account], now).get(account.id) for history in histories}
        print_thing(
            {
                **row,
                "time_zone": account.time_zone,
                "exempt_reason": account.exempt_reason,
                "organisation_id": account.organisation_id,
                "approver": account.approver,
                "recorded_at": account.recorded_at,
                "closed_at": account.closed_at,
                "frozen_at": account.frozen_at,
                "minor_from": account.minor_from,
                "governing_version": {
                    history.policy.slug: found and found.state.number
                    for history, found in proven.items()
                },
                "without_approval": {
                    history.policy.slug: found and without_approval(found)
                    for history, found in proven.items()
                },
                "consents": consents.told(session, account.id),
                "decisions": [
                    {"policy": history.policy.slug, **decision}
                    for history, found in proven.items()
                    if found
                    for decision in decisions(history, found)
                ],
            },
            output_format,
        )


def _import(
    office: "Office", file: Path, asserted_by: "UUID", *, dry_run: bool, yes: bool
) -> "ImportResult":
    """Stage, check, decide, carry; until the decision nothing of it stays."""
    from cli.printing import stop
    from database.ids import new_id
    from database.imports import account_imports, unfinished_imports

    database, clock, import_id = office.database, office.clock, new_id()
    try:
        faults, rows = _stage(office, file, import_id, asserted_by)
        if faults:
            raise stop(_report(faults), 2)
        decided = False
        while not decided:
            with _progress("Finishing an earlier import") as advance:
                unfinished_imports.finish_imports(database, clock.now(), advance)
            with database.session() as session:
                checked = account_imports.check(
                    session, import_id, yes=yes or dry_run, now=clock.now()
                )
                if dry_run:
                    return account_imports.preview(session, import_id)
            decided = account_imports.decide(database, import_id, clock.now(), checked)
    finally:
        account_imports.discard(database, import_id)
    _carry(office, file, import_id, rows)
    with database.session() as session:
        done = account_imports.result(session, import_id)
    if done.updated:
        with office.desk() as desk:
            desk.send_owed_again()
    return done


def _stage(
    office: "Office", file: Path, import_id: "UUID", asserted_by: "UUID"
) -> "tuple[list[Fault], int]":
    """Read the file into the staging table; returns the faults, and how many rows were staged."""
    from cli.account_file import FileRefused, read_accounts
    from cli.printing import stop
    from database.imports.account_imports import stage

    faults: list[Fault] = []
    staged = 0
    try:
        size = file.stat().st_size
        with file.open("rb") as stream, _progress(f"Reading {file.name}", size) as advance:
            rows = _good_rows(read_accounts(stream), faults)
            read = 0
            for count in stage(
                office.database, import_id, rows, asserted_by=asserted_by, now=office.clock.now()
            ):
                staged += count
                advance(stream.tell() - read)
                read = stream.tell()
    except FileRefused as refusal:
        raise stop(f"{file}: {refusal} Nothing was imported.", 2) from None
    except OSError as fault:
        reason = (fault.strerror or str(fault)).lower()
        raise stop(f"{file}: {reason}. Nothing was imported.", 2) from None
    if not faults and not staged:
        raise stop(
            f"{file}: there is no account in it, only the names of the columns. Nothing was "
            "imported.",
            2,
        )
    return faults, staged


def _carry(office: "Office", file: Path, import_id: "UUID", rows: int) -> None:
    """Make the staged rows accounts. Whatever stops this, the import stands and goes on."""
    from sqlalchemy.exc import OperationalError

    from cli.printing import stop
    from database.imports.unfinished_imports import carry
    from database.silence import reason

    stands = (
        f"The import of {file.name} stands: it is carried on within a quarter of an hour while "
        "the stack runs, or at once by the next import. Importing the file again does no harm."
    )
    try:
        with _progress(f"Importing {file.name}", rows) as advance:
            carry(office.database, import_id, office.clock.now(), advance)
    except KeyboardInterrupt:
        raise stop(f"Stopped. {stands}", 130) from None
    except OperationalError as fault:
        raise stop(f"The database does not answer: {reason(fault)}. {stands}", 3) from None


@contextmanager
def _progress(title: str, total: int | None = None) -> "Iterator[Callable[[int], None]]":
    """A bar on a terminal's standard error; call what it gives with each advance."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda advance: bar.update(task, advance=advance)


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

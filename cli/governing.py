"""`promisekeeper governing`: which version governs an account, or each, and what proves it (P6)."""

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import AnswerFormat, At, Slug

if TYPE_CHECKING:
    from cli.context import Office
    from database.approvals.approvals import PolicyHistory
    from database.approvals.governing_lists import Governed

COLUMNS = (
    "account",
    "status",
    "kind",
    "version",
    "since",
    "accepted",
    "because",
    "required_by_law",
    "in_error",
    "approval",
    "decided_at",
    "how",
    "language",
    "text_sha256",
    "change_sha256",
    "without_approval",
    "stay_until",
    "asserted_version",
    "asserted_by",
    "asserted_at",
)
TABLE_COLUMNS = COLUMNS[:7]


def governing_command(
    slug: Slug,
    account: Annotated[
        str | None, typer.Argument(help="The account's id; none with --all", show_default=False)
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every account, by its id")] = False,
    at: At = None,
    output_format: Annotated[
        AnswerFormat,
        typer.Option("--format", help="A table to read, JSON with every proof, or CSV"),
    ] = AnswerFormat.TABLE,
) -> None:
    """Which version of a policy governs an account, now or at any instant, and what proves it?"""
    from cli.context import instant, opened
    from cli.printing import stop

    if every == (account is not None):
        raise stop("Give the id of one account, or --all.", 2)
    with opened() as office:
        moment = instant(at, office.clock.now())
        if account is None:
            _print_all(office, slug, moment, output_format)
        else:
            _print_one(office, slug, account, moment, output_format)


def _print_one(
    office: "Office", slug: str, external_id: str, at: datetime, output_format: AnswerFormat
) -> None:
    from cli.printing import as_text, print_csv, print_json, print_table, say, table_of
    from database.approvals.approvals import PolicyHistory, proven_version
    from database.approvals.governing_lists import Governed, told
    from database.people.accounts import account_by_external_id
    from database.policies.policies import policy_by_slug

    with office.database.session() as session:
        history = PolicyHistory(session, policy_by_slug(session, slug))
        account = account_by_external_id(session, external_id)
        proven = proven_version(history, account, at)
        said = told(history, proven)
    if output_format is AnswerFormat.JSON:
        print_json({"policy": slug, "account": external_id, "at": at, **said})
    elif output_format is AnswerFormat.CSV:
        print_csv([_line(Governed(account=account, proven=proven))], COLUMNS)
    else:
        zone, since = office.settings.zone, as_text(proven.state.since, office.settings.zone)
        say(f"Version {proven.state.number} of {slug} governs {external_id} since {since}.")
        steps = [vars(step) | {"version": step.number} for step in proven.state.steps]
        print_table(table_of(steps, ("version", "since", "because", "in_error"), zone))


def _print_all(office: "Office", slug: str, at: datetime, output_format: AnswerFormat) -> None:
    """One account after the other, however many there are: no more than a thousand are at hand."""
    from cli.printing import print_csv, print_table, table_of
    from database.approvals.approvals import PolicyHistory
    from database.approvals.governing_lists import all_governed
    from database.policies.policies import policy_by_slug

    with office.database.session() as session:
        history = PolicyHistory(session, policy_by_slug(session, slug))
        pages = all_governed(session, history, at)
        if output_format is AnswerFormat.JSON:
            _print_json(slug, at, history, (each for page in pages for each in page))
        elif output_format is AnswerFormat.CSV:
            print_csv((_line(each) for page in pages for each in page), COLUMNS)
        else:
            for page in pages:
                print_table(
                    table_of([_line(each) for each in page], TABLE_COLUMNS, office.settings.zone)
                )


def _print_json(
    slug: str, at: datetime, history: "PolicyHistory", governed: "Iterator[Governed]"
) -> None:
    """A list, one account to a line."""
    from cli.printing import plain
    from database.approvals.governing_lists import told

    sys.stdout.write("[")
    between = "\n"
    for each in governed:
        if each.proven is not None:
            said = {"policy": slug, "account": each.account.external_id, "at": at}
            line = json.dumps(
                {**said, **told(history, each.proven)}, ensure_ascii=False, default=plain
            )
            sys.stdout.write(between + line)
            between = ",\n"
    sys.stdout.write("\n]\n")


def _line(governed: "Governed") -> Mapping[str, object]:
    from database.approvals.governing_lists import in_a_line

    account = governed.account
    return {
        "account": account.external_id,
        "status": account.status,
        "kind": account.kind,
        **(in_a_line(governed.proven) if governed.proven else {}),
    }

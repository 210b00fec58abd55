"""`promisekeeper governing`: the version that governs an account, and what proves it (P6)."""

from typing import Annotated

import typer

from cli.options import At, FormatOption, ListFormat, Slug


def governing_command(
    slug: Slug,
    account: Annotated[str, typer.Argument(help="The account's id", show_default=False)],
    *,
    at: At = None,
    output_format: FormatOption = ListFormat.TABLE,
) -> None:
    """Which version of a policy governs an account, now or at any instant, and what proves it?"""
    from cli.context import instant, opened
    from cli.printing import console, print_json, say, table_of
    from database.accounts import account_by_external_id
    from database.approvals import governing_version
    from database.policies import policy_by_slug

    with opened() as office, office.database.session() as session:
        moment = instant(at, office.clock.now())
        policy = policy_by_slug(session, slug)
        state = governing_version(session, policy, account_by_external_id(session, account), moment)
    steps = [
        {"version": step.number, "since": step.since, "because": step.because}
        for step in state.steps
    ]
    if output_format is ListFormat.JSON:
        print_json(
            {
                "policy": slug,
                "account": account,
                "at": moment,
                "version": state.number,
                "since": state.since,
                "accepted": state.accepted,
                "steps": steps,
            }
        )
        return
    say(f"Version {state.number} of {slug} governs {account} since {state.since:%Y-%m-%d %H:%M}.")
    console().print(table_of(steps, ("version", "since", "because")))

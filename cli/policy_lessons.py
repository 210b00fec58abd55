"""`promisekeeper policy lessons` and `agreement`: what legal's decisions teach the engine."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import FormatOption, ListFormat, Slug

AGREEMENT = ("rule", "confirmed", "dismissed", "open", "agreed")


def lessons(
    slug: Slug,
    number: Annotated[
        int | None, typer.Argument(help="One version's number; none means all", min=1)
    ] = None,
    *,
    to: Annotated[
        Path, typer.Option(metavar="DIR", help="The folder of cases to add to", show_default=False)
    ],
) -> None:
    """Write what legal decided as labelled cases, to measure and train the engine with."""
    from cli.case_folder import FolderRefused, write_cases
    from cli.context import opened
    from cli.printing import say, stop
    from database.policies.lessons import lessons_of
    from database.policies.policies import policy_by_slug, version_by_number

    with opened() as office, office.database.session() as session:
        policy = policy_by_slug(session, slug)
        if number is not None:
            version_by_number(session, policy.id, number)
        learned = lessons_of(session, policy, number)
    if not any(lesson.case for lesson in learned):
        raise stop(_nothing_decided(slug, number), 1)
    try:
        done = write_cases(to, learned)
    except FolderRefused as refusal:
        raise stop(refusal, 2) from None
    except (OSError, UnicodeError) as fault:
        reason = (getattr(fault, "strerror", None) or str(fault)).lower()
        raise stop(f"{to}: {reason}. Mend it and repeat: nothing is written twice.", 2) from None
    for lesson in learned:
        if lesson.is_open and lesson.case is None:
            say(f"Version {lesson.number} against {lesson.base}: not decided yet, not written.")
    say(f"Cases in {to}: {', '.join(f'{count} {kind}' for kind, count in done.items())}.")
    say(f"Measure the engine on them: python -m benchmarks.materiality --data {to}")


def agreement(
    slug: Annotated[
        str | None, typer.Argument(help="The policy, like privacy; none means all")
    ] = None,
    *,
    output_format: FormatOption = ListFormat.TABLE,
) -> None:
    """How often legal agreed with each rule, and how often they found what the engine missed."""
    from cli.context import opened
    from cli.printing import print_rows
    from database.policies.lessons import agreement_of
    from database.policies.policies import policy_by_slug

    with opened() as office, office.database.session() as session:
        rules = agreement_of(session, policy_by_slug(session, slug) if slug else None)
    rows = [
        {
            **{name: getattr(rule, name) for name in AGREEMENT[:-1]},
            "agreed": None if rule.agreed is None else round(rule.agreed, 2),
        }
        for rule in rules
    ]
    print_rows(rows, AGREEMENT, output_format)


def _nothing_decided(slug: str, number: int | None) -> str:
    which = f"version {number} of {slug}" if number else slug
    return (
        f"Legal has decided nothing about {which} that a case could be made of: no finding is "
        "dismissed or confirmed, or others are still open. Nothing was written. "
        f"Decide with: promisekeeper policy review {slug} {number or 'NUMBER'}"
    )

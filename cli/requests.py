"""`promisekeeper requests`: privacy staff's work without a browser (P10-P23)."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from cli import holds, recipients, request_ends, request_intake, request_metrics
from cli.options import AsReader, AsStaff, FormatOption, ListFormat, Reference
from domain.requests.data_subject_requests import Ground, Kind, Outcome
from domain.requests.erasures import ErasureGround

if TYPE_CHECKING:
    from sqlmodel import Session

    from database.engine import Database
    from database.tables import DataSubjectRequest, RequestDecision

COLUMNS = ("reference", "kinds", "state", "due_at", "left", "channel", "assignee")

app = typer.Typer(no_args_is_help=True, help="Data-subject requests and their thirty days.")


@app.command("list")
def list_(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Answered ones too")] = False,
    output_format: FormatOption = ListFormat.TABLE,
) -> None:
    """List requests that still need an answer, the most urgent first."""
    from cli.context import opened
    from cli.printing import print_rows
    from database.requests.requests import all_requests, open_requests

    with opened() as office, office.database.session() as session:
        now = office.clock.now()
        found = all_requests(session) if everything else open_requests(session)
        rows = [_row(session, request, now) for request in found]
    print_rows(rows, COLUMNS, output_format)


@app.command()
def show(
    reference: Reference,
    *,
    as_staff: AsReader = None,
    output_format: FormatOption = ListFormat.TABLE,
) -> None:
    """Show a request, its ladder and its mails; with --as what was asked, and by whom."""
    from cli.context import opened
    from cli.printing import print_thing
    from database.requests.appeals import too_few
    from database.requests.deferred_erasures import erasure_of
    from database.requests.requests import mails_of, request_by_reference
    from database.requests.rungs import fired_rungs
    from database.requests.standing_holds import standing_on

    with opened() as office, office.database.session() as session:
        request = request_by_reference(session, reference)
        if as_staff:
            office.record_read(as_staff, ["privacy"], [request.id])
        ladder = [
            f"{rung.rung}, due {rung.stood_at:%Y-%m-%d %H:%M}"
            + (", passed over" if rung.passed_over else "")
            + (", acknowledged" if rung.acknowledged_at else "")
            for rung in fired_rungs(session, request.id)
        ]
        mails = [f"{mail.step}: {mail.state}" for mail in mails_of(session, request.id)]
        erasure = erasure_of(session, request.id)
        print_thing(
            {
                **_row(session, request, office.clock.now()),
                **(_personal(session, request) if as_staff else {}),
                "country": request.country,
                "received_at": request.received_at,
                "rule": request.rule,
                "verified_at": request.verified_at,
                "outcome": request.outcome,
                "answered_at": request.answered_at,
                "late_reply_at": request.late_reply_at,
                "policy_breach_at": request.policy_breach_at,
                "statutory_breach_at": request.statutory_breach_at,
                "ladder": ladder,
                "mails": mails,
                "on_hold": bool(request.account_id and standing_on(session, request.account_id)),
                "erase_by": erasure.due_on if erasure and not erasure.erased_at else None,
                **({"appeal": warning} if (warning := too_few(session, request)) else {}),
                "rights": _rights(session, request, personal=as_staff is not None),
                "workflow": office.workflow_url(f"data-subject-request/{request.id}"),
            },
            output_format,
        )


@app.command()
def assign(
    reference: Reference,
    *,
    to: Annotated[
        str, typer.Option(metavar="HANDLE", help="One of the privacy team", show_default=False)
    ],
    as_staff: AsStaff,
) -> None:
    """Give a request to a member of the privacy team; who gave it is on record."""
    from cli.context import at_the_desk
    from cli.printing import say
    from database.people.staff import by_handle

    with at_the_desk(as_staff) as (desk, member_id):
        with desk.database.session() as session:
            assignee = by_handle(session, to)
        desk.assign(reference, member_id, to=assignee.id)
    say(f"{reference} is now with {assignee.handle}.")


@app.command()
def decide(  # noqa: PLR0913, its options
    reference: Reference,
    *,
    right: Annotated[
        Kind | None,
        typer.Option(help="Which right you answer, where the request asks for several"),
    ] = None,
    outcome: Annotated[Outcome, typer.Option(help="How it ends", show_default=False)],
    explanation: Annotated[
        str, typer.Option(help="Written to the person: what was decided and why (P22)")
    ],
    ground: Annotated[
        Ground | None, typer.Option(help="Why not, or not all of it; a refusal needs one (P20)")
    ] = None,
    evidence: Annotated[
        str | None, typer.Option(help="What the ground rests on; a refusal needs it")
    ] = None,
    erasure_ground: Annotated[
        ErasureGround | None,
        typer.Option(help="Why data is to be erased (P13); an erasure that is granted needs it"),
    ] = None,
    as_staff: AsStaff,
) -> None:
    """Answer a right of a request. A refusal, whole or partial, waits for a second person.

    The answer goes out once every right that the request asks for is decided, and what is to be
    erased is erased.
    """
    from cli.context import opened
    from cli.printing import say
    from database.requests.answering import Answer
    from domain.requests.decisions import needs_second_person

    answer = Answer(
        outcome=outcome,
        explanation=explanation,
        ground=ground,
        evidence=evidence,
        erasure_ground=erasure_ground,
    )
    with opened() as office:
        member = office.member(as_staff)
        with office.desk() as desk:
            decision = desk.decide(reference, member.id, answer, right)
        if needs_second_person(outcome):
            say(
                f"The answer to {reference} waits for a second person: "
                f"promisekeeper requests confirm {reference} --answer {decision.id} --as STAFF"
            )
        else:
            say(_how_it_stands(office.database, reference))


@app.command()
def confirm(
    reference: Reference,
    *,
    answer: Annotated[
        UUID,
        typer.Option(
            metavar="ID", help="The answer that you read: see `requests show`", show_default=False
        ),
    ],
    as_staff: AsStaff,
) -> None:
    """As a second person, agree to a refusal or partial answer."""
    from cli.context import opened
    from cli.printing import say

    with opened() as office:
        member = office.member(as_staff)
        with office.desk() as desk:
            desk.confirm(reference, answer, member.id)
        say(f"Confirmed. {_how_it_stands(office.database, reference)}")


@app.command()
def acknowledge(reference: Reference, *, as_staff: AsStaff) -> None:
    """Say "I have seen this and act": nobody else is told before the next rung (P21)."""
    from cli.context import at_the_desk
    from cli.printing import say

    with at_the_desk(as_staff) as (desk, member_id):
        desk.acknowledge(reference, member_id)
    say(f"Noted: you act on {reference}. Until its next rung nobody else is told.")


@app.command("correct-receipt")
def correct_receipt(
    reference: Reference,
    *,
    received_at: Annotated[
        str | None,
        typer.Option(help="When it really came, with its offset: 2026-03-01T14:30:00+01:00"),
    ] = None,
    country: Annotated[
        str | None, typer.Option(help="Where the person is: DE, US-CA; empty for not known")
    ] = None,
    proof: Annotated[
        str, typer.Option(help="What that rests on; needed where it gives us more time")
    ] = "",
    as_staff: AsStaff,
) -> None:
    """Set right when a request came, or from where: its clock and its ladder follow (P26).

    What gives us more time for the answer waits for a second person.
    """
    from cli.context import at_the_desk, instant
    from cli.printing import say
    from database.requests.receipts import Receipt
    from database.requests.requests import request_by_reference

    with at_the_desk(as_staff) as (desk, member_id):
        with desk.database.session() as session:
            request = request_by_reference(session, reference)
        receipt = Receipt(
            received_at=instant(received_at, request.received_at, option="--received-at"),
            country=request.country if country is None else country or None,
            proof=proof,
        )
        correction = desk.correct_receipt(reference, member_id, receipt)
        with desk.database.session() as session:
            due_at = request_by_reference(session, reference).due_at
    if correction.applied_at is None:
        say(
            f"That gives us more time, so it waits for a second person: "
            f"promisekeeper requests confirm-receipt {reference} --correction {correction.id} "
            "--as STAFF"
        )
    else:
        say(f"Corrected: {reference} is due {due_at:%Y-%m-%d %H:%M} UTC.")


@app.command("confirm-receipt")
def confirm_receipt(
    reference: Reference,
    *,
    correction: Annotated[
        UUID,
        typer.Option(
            metavar="ID",
            help="The correction that you read: see `requests show`",
            show_default=False,
        ),
    ],
    as_staff: AsStaff,
) -> None:
    """As a second person, agree to a receipt that gives us more time for the answer (P26)."""
    from cli.context import at_the_desk
    from cli.printing import say

    with at_the_desk(as_staff) as (desk, member_id):
        desk.confirm_receipt(reference, correction, member_id)
    say(f"The receipt of {reference} is corrected.")


@app.command("late-reply")
def late_reply(
    *,
    approve: Annotated[
        str | None, typer.Option(metavar="LANGUAGE", help="Approve its words, as you read them")
    ] = None,
    as_staff: Annotated[
        str | None, typer.Option("--as", metavar="STAFF", help="Who approves: one of privacy")
    ] = None,
) -> None:
    """Read the reply that we are late, and approve it beforehand: two of privacy, per language."""
    from cli.context import BAD_USAGE, opened
    from cli.printing import say, stop
    from database.requests.late_replies import NEEDED, approve_late_reply, late_reply_approvals
    from web.samples import late_replies

    with opened() as office:
        replies = late_replies(office.settings.languages)
        if approve is not None:
            if approve not in replies or not as_staff:
                spoken = ", ".join(replies)
                raise stop(f"Give one of {spoken}, and who you are with --as.", BAD_USAGE)
            member = office.member(as_staff)
            with office.database.transaction() as transaction:
                approve_late_reply(
                    transaction,
                    language=approve,
                    sha256=replies[approve].sha256,
                    by=member.id,
                    now=office.clock.now(),
                )
        with office.database.session() as session:
            for language, reply in replies.items():
                given = len(late_reply_approvals(session, reply.sha256))
                say(f"{language}: approved by {given} of {NEEDED}. {reply.subject}")
                if approve is None:
                    for stage, text in reply.texts.items():
                        say(f"\n--- {language}, {stage} ---\n{text}")


@app.command("explain-deadline")
def explain_deadline(
    reference: Reference, *, output_format: FormatOption = ListFormat.TABLE
) -> None:
    """Why a request is due when it is: every candidate, the rule that won, the warnings (P21)."""
    from cli.context import opened
    from cli.printing import print_json, print_table, say, table_of
    from database.requests.requests import request_by_reference

    with opened() as office, office.database.session() as session:
        request = request_by_reference(session, reference)
    if output_format is ListFormat.JSON:
        print_json(
            {
                "received_at": request.received_at,
                "due_at": request.due_at,
                "rule": request.rule,
                "candidates": request.candidates,
                "warnings": request.warnings,
            }
        )
        return
    say(
        f"{request.reference} was received {request.received_at:%Y-%m-%d %H:%M} UTC and is due "
        f"{request.due_at:%Y-%m-%d %H:%M} UTC by {request.rule}."
    )
    rows = [{"rights": [], **one} for one in request.candidates]
    print_table(table_of(rows, ("rule", "rights", "due_at", "explanation")))
    for warning in request.warnings:
        say(f"Warning: {warning}.")


def _how_it_stands(database: "Database", reference: str) -> str:
    from database.requests.requested_rights import rights_of
    from database.requests.requests import request_by_reference

    with database.session() as session:
        request = request_by_reference(session, reference)
        if request.answered_at is not None:
            return f"{reference} is answered; the mail is on its way."
        waiting = [one.kind for one in rights_of(session, request.id) if one.outcome is None]
    return f"{reference} is not answered yet. Still to be decided: {', '.join(waiting)}."


def _row(session: "Session", request: "DataSubjectRequest", now: datetime) -> dict[str, object]:
    from database.requests.requested_rights import kinds_of
    from database.tables import Staff

    assignee = session.get(Staff, request.assignee_id) if request.assignee_id else None
    return {
        "reference": request.reference,
        "kinds": list(kinds_of(session, request.id)),
        "state": request.state,
        "due_at": request.due_at,
        "left": _left(request, now),
        "channel": request.channel,
        "assignee": assignee.handle if assignee else None,
    }


def _personal(session: "Session", request: "DataSubjectRequest") -> dict[str, object]:
    from database.requests.authorised_agents import agent_of
    from database.requests.ends import proposed_end
    from database.requests.joined import joined_to
    from database.requests.receipts import waiting_receipt

    agent = agent_of(session, request.id)
    receipt = waiting_receipt(session, request.id)
    end = proposed_end(session, request.id)
    return {
        "name": request.name,
        "contact_email": request.contact_email,
        "postal_address": request.postal_address,
        "message": request.message,
        "agent": f"{agent.name}, {agent.email}" if agent else "",
        "authority": (agent.authority or "undecided") if agent else "",
        "more_like_it": joined_to(session, request).count,
        "end_to_confirm": [f"id: {end.id}", f"outcome: {end.outcome}", f"reason: {end.reason}"]
        if end and request.answered_at is None
        else [],
        "receipt_to_confirm": [
            f"id: {receipt.id}",
            f"received_at: {receipt.received_at:%Y-%m-%dT%H:%M:%SZ}",
            f"country: {receipt.country}",
            f"proof: {receipt.proof}",
        ]
        if receipt
        else [],
    }


def _rights(
    session: "Session", request: "DataSubjectRequest", *, personal: bool
) -> list[dict[str, object]]:
    """How each right stands; with what is answered for whoever says who they are (P30)."""
    from database.requests.requested_rights import decisions_of, rights_of

    rights = rights_of(session, request.id)
    decisions = decisions_of(session, rights) if personal else {}
    return [
        {
            "right": right.kind,
            "state": right.state,
            "due_at": right.due_at,
            "answer": _answer(decisions.get(right.id)),
        }
        for right in rights
    ]


def _answer(decision: "RequestDecision | None") -> dict[str, object] | None:
    if decision is None:
        return None
    return {
        "id": decision.id,
        "outcome": decision.outcome,
        "ground": decision.ground,
        "explanation": decision.explanation,
        "evidence": decision.evidence,
    }


def _left(request: "DataSubjectRequest", now: datetime) -> str:
    if request.answered_at is not None:
        return "answered"
    left = request.due_at - now
    late = left.total_seconds() < 0
    return f"{abs(left).days} d {abs(left).seconds // 3600} h{' late' if late else ''}"


for command in (
    request_intake.receive,
    request_intake.letters,
    request_intake.posted,
    request_intake.authority,
    request_intake.name,
    request_ends.end,
    request_ends.died,
    request_ends.lives,
    recipients.recipients,
    recipients.told,
    request_metrics.metrics,
):
    app.command()(command)
app.command("confirm-end")(request_ends.confirm_end)
app.command("take-out")(request_ends.take_out)
app.command("release-hold")(holds.release_of_request)
app.command()(holds.erased)

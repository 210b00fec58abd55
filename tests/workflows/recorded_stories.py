"""The stories whose histories are stored: every path of every workflow, lived in a town."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlmodel import select
from temporalio.api.enums.v1 import EventType

import temporal
from database import controls, reviews
from database.accounts import AccountRow
from database.corrections import Right, RightWords
from database.freezing import SHARD_SIZE
from database.request_answers import Answer
from database.tables import DataSubjectRequest, OutboxMail, PolicyVersion
from domain.data_subject_requests import Intake, Outcome
from domain.reviews import Decisions, VersionClass
from tests.answers import IN_FULL, REFUSAL
from tests.eventually import eventually
from tests.people import ALICE, BOB, CAROL, DORA, LANGUAGES, POLICY
from tests.texts import FIRST, SECOND, THIRD
from tests.workflows.conftest import Town
from workflows.fast_forward import _follow
from workflows.watchdog import WatchdogWorkflow

FAILED = EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED
MENDED = FIRST.replace("disadvantge", "disadvantage")
Recorded = Mapping[str, tuple[str, int]]
"""Path (workflow and what happened) to workflow id and which of its runs, oldest first."""


@dataclass(frozen=True, kw_only=True)
class Story:
    """What is lived, under which settings of Temporal's server and of ours; the paths it gives."""

    live: Callable[[Town], Recorded]
    paths: tuple[str, ...]
    server_settings: Mapping[str, object] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


def a_campaign_from_beginning_to_end(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB, CAROL)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: town.version(number).effective_at)
    leap(town, 45)
    eventually(lambda: ended(town, campaign(number)))
    return {
        "publication/editorial": (publication(1), 0),
        "publication/released_with_campaign": (publication(number), 0),
        "campaign/reminded_and_escalated": (campaign(number), 0),
    }


def a_version_that_legal_takes_back(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    number = town.submit(SECOND)
    town.confirm_all(number, VersionClass.APPROVAL)
    town.desk.reject(POLICY, number, town.staff["lena"], "sent in by mistake")
    eventually(lambda: ended(town, publication(number)))
    return {"publication/rejected": (publication(number), 0)}


def a_version_that_people_are_only_told_of(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    town.import_accounts(ALICE)
    number = town.publish(MENDED, VersionClass.NOTICE)
    eventually(lambda: town.version(number).effective_at)
    leap(town, 45)
    eventually(lambda: ended(town, campaign(number)))
    return {
        "publication/class_notice": (publication(number), 0),
        "campaign/told_without_approval": (campaign(number), 0),
    }


def a_campaign_with_nobody_to_ask(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: town.version(number).effective_at)
    leap(town, 45)
    eventually(lambda: ended(town, campaign(number)))
    return {"campaign/nobody_to_ask": (campaign(number), 0)}


def a_campaign_while_the_mail_service_is_down(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB)
    number = town.prepare(SECOND, VersionClass.APPROVAL)
    town.mail.misbehave("401", times=2)
    town.release(number)
    in_a_while(town, lambda: town.version(number).effective_at)
    leap(town, 45)
    eventually(lambda: ended(town, campaign(number)))
    return {"campaign/mail_service_down": (campaign(number), 0)}


def a_campaign_that_waits_for_its_rate(town: Town) -> Recorded:
    """Four a minute; before that the mail service asks for patience once."""
    town.put_in_force(FIRST)
    town.import_accounts(
        *(
            AccountRow(external_id=f"c-{number}", email=f"person.{number}@people.example")
            for number in range(7)
        )
    )
    number = town.prepare(SECOND, VersionClass.APPROVAL)
    town.mail.misbehave("429-without-headers", times=1)
    town.release(number)
    eventually(lambda: "asked us to go slower" in told_to_ops(town, campaign(number)))
    town.advance(minutes=1)
    eventually(lambda: "rate: 4 a minute" in told_to_ops(town, campaign(number)))
    in_a_while(town, lambda: town.version(number).effective_at)
    return {"campaign/waits_for_the_rate": (campaign(number), 0)}


def told_to_ops(town: Town, workflow_id: str) -> str:
    return town.told(workflow_id).get("waits_for", "")


def a_campaign_that_continues_as_new(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB, CAROL)
    number = town.prepare(SECOND, VersionClass.APPROVAL)
    town.mail.misbehave("401", times=6)
    town.release(number)
    in_a_while(town, lambda: town.version(number).effective_at)
    leap(town, 45)
    eventually(lambda: ended(town, campaign(number)))
    return {
        "campaign/continued_as_new": (campaign(number), 0),
        "campaign/continued_from_another_run": (campaign(number), 1),
    }


def a_campaign_that_is_paused_and_called_off(town: Town) -> Recorded:
    """Paused between its steps, resumed, and withdrawn before the date of effect."""
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: town.version(number).effective_at)
    town.come_to_rest()
    town.desk.pause(POLICY, number, town.staff["omar"], "a wrong sentence")
    eventually(lambda: town.told(campaign(number)).get("stage") == "paused")
    town.desk.resume(POLICY, number, town.staff["lena"], "it is right")
    eventually(lambda: town.told(campaign(number)).get("stage") == "notified")
    town.desk.withdraw(POLICY, number, town.staff["lena"], "not now")
    eventually(lambda: ended(town, campaign(number)))
    eventually(lambda: ended(town, publication(number)))
    return {
        "campaign/withdrawn": (campaign(number), 0),
        "publication/withdrawn": (publication(number), 0),
    }


def a_campaign_that_was_not_told_it_is_called_off(town: Town) -> Recorded:
    """Temporal was away when its version was withdrawn; it finds out when it would end."""
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB)
    number = town.publish(MENDED, VersionClass.NOTICE)
    eventually(lambda: town.version(number).effective_at)
    town.come_to_rest()
    withdraw_unheard(town, number)
    leap(town, 45)
    eventually(lambda: ended(town, campaign(number)))
    return {"campaign/withdrawn_unheard": (campaign(number), 0)}


def withdraw_unheard(town: Town, number: int) -> None:
    """As when Temporal does not answer: the database knows, and the workflows were not told."""
    with town.database.transaction() as transaction:
        act = controls.acting(
            transaction, town.staff["noor"], "legal", reason="the wrong text", now=town.now()
        )
        controls.withdraw(transaction, town.version(number), act)


def a_campaign_that_is_postponed(town: Town) -> Recorded:
    """Between its steps, and once more when only the date of effect is left."""
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: town.version(number).effective_at)
    town.come_to_rest()
    for days, mails in ((10, 4), (20, 6)):
        at = town.version(number).effective_at
        assert at
        later_on = (at + timedelta(days=days)).date()
        town.desk.postpone(POLICY, number, town.staff["lena"], "more time", later_on)
        eventually(lambda wanted=mails: len(town.mails()) == wanted)  # type: ignore[misc]
    leap(town, 75)
    eventually(lambda: ended(town, campaign(number)))
    return {
        "campaign/postponed": (campaign(number), 0),
        "publication/postponed": (publication(number), 0),
    }


def a_version_that_others_replace(town: Town) -> Recorded:
    """A draft gives way before legal, the announced one when the correction is announced."""
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: town.version(number).effective_at)
    town.come_to_rest()
    draft = town.submit(MENDED)
    correction = town.submit(THIRD)
    eventually(lambda: ended(town, publication(draft)))
    town.confirm_all(correction, VersionClass.APPROVAL)
    town.release(correction)
    eventually(lambda: ended(town, campaign(number)))
    eventually(lambda: ended(town, publication(number)))
    eventually(lambda: town.version(correction).effective_at)
    leap(town, 45)
    eventually(lambda: ended(town, campaign(correction)))
    return {
        "publication/replaced_in_review": (publication(draft), 0),
        "publication/replaced": (publication(number), 0),
        "publication/replaces": (publication(correction), 0),
        "campaign/replaced": (campaign(number), 0),
        "campaign/corrects": (campaign(correction), 0),
    }


def a_campaign_whose_day_is_open_for_a_while(town: Town) -> Recorded:
    """Postponed without a day after its first notices, and given one after its old day."""
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: town.version(number).effective_at)
    town.come_to_rest()
    town.desk.postpone(POLICY, number, town.staff["lena"], "not yet", None)
    eventually(lambda: town.told(campaign(number)).get("stage") == "postponed")
    eventually(lambda: len(town.mails()) == 4)
    leap(town, 45)
    town.desk.postpone(POLICY, number, town.staff["lena"], "now", in_two_months(town))
    eventually(lambda: len(town.mails()) == 6)
    leap(town, 75)
    eventually(lambda: ended(town, campaign(number)))
    eventually(lambda: ended(town, publication(number)))
    return {
        "campaign/postponed_without_a_day": (campaign(number), 0),
        "publication/postponed_without_a_day": (publication(number), 0),
    }


def a_campaign_whose_day_is_open_while_it_sends(town: Town) -> Recorded:
    """The first notices of which nobody had one go out when it has a day again."""
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB)
    town.mail.misbehave("401", times=None)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: town.told(campaign(number)).get("stage") == "sending first notice")
    town.desk.postpone(POLICY, number, town.staff["lena"], "not yet", None)
    town.mail.misbehave("off")
    in_a_while(town, lambda: town.told(campaign(number)).get("stage") == "postponed")
    town.desk.postpone(POLICY, number, town.staff["lena"], "now", in_two_months(town))
    in_a_while(town, lambda: town.version(number).effective_at)
    leap(town, 75)
    eventually(lambda: ended(town, campaign(number)))
    return {"campaign/postponed_while_it_sends": (campaign(number), 0)}


def in_two_months(town: Town) -> date:
    return (town.now() + timedelta(days=60)).date()


def a_campaign_whose_mails_were_wrong(town: Town) -> Recorded:
    """Put right once while first notices wait, and once when all of them are out."""
    town.put_in_force(FIRST)
    town.import_accounts(ALICE)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: town.version(number).effective_at)
    town.come_to_rest()
    put_right(town, number)
    eventually(lambda: len(town.mails()) == 2)
    leap(town, 45)
    eventually(lambda: ended(town, campaign(number)))
    return {"campaign/corrected": (campaign(number), 0)}


def a_campaign_that_is_put_right_while_it_sends(town: Town) -> Recorded:
    """Nobody knows yet whether the first notices went out when it is noticed."""
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB)
    town.mail.misbehave("accept-then-reset", times=1)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: town.told(campaign(number)).get("stage") == "sending first notice")
    eventually(lambda: is_in_doubt(town))
    put_right(town, number)
    in_a_while(town, lambda: len(town.mails()) >= 4)
    in_a_while(town, lambda: town.version(number).effective_at)
    leap(town, 45)
    eventually(lambda: ended(town, campaign(number)))
    return {"campaign/corrected_while_it_sends": (campaign(number), 0)}


def is_in_doubt(town: Town) -> bool:
    with town.database.session() as session:
        return (
            session.exec(select(OutboxMail).where(OutboxMail.state == "unknown")).first()
            is not None
        )


def put_right(town: Town, number: int) -> None:
    words = RightWords(language="en", mail="We said 10 days; it is a year.")
    right = Right(decisions=Decisions.VOID, words=[words])
    town.desk.correct(POLICY, number, town.staff["lena"], "a wrong period", right)
    town.desk.confirm_correction(POLICY, number, town.staff["noor"])


def a_campaign_that_is_paused_while_it_sends(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB)
    number = town.prepare(SECOND, VersionClass.APPROVAL)
    town.mail.misbehave("401", times=None)
    town.release(number)
    eventually(lambda: town.told(campaign(number)).get("stage") == "sending first notice")
    town.desk.pause(POLICY, number, town.staff["omar"], "too many bounces")
    town.mail.misbehave("off")
    in_a_while(town, lambda: town.told(campaign(number)).get("stage") == "paused")
    town.desk.resume(POLICY, number, town.staff["lena"], "they were old addresses")
    in_a_while(town, lambda: town.version(number).effective_at)
    leap(town, 45)
    eventually(lambda: ended(town, campaign(number)))
    return {"campaign/paused_while_it_sends": (campaign(number), 0)}


def a_campaign_with_a_canary(town: Town) -> Recorded:
    """One of three is mailed first, and half an hour later the other two."""
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB, CAROL)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: town.told(campaign(number)).get("stage") == "canary")
    in_a_while(town, lambda: town.version(number).effective_at)
    leap(town, 45)
    eventually(lambda: ended(town, campaign(number)))
    return {"campaign/canary": (campaign(number), 0)}


def a_campaign_that_its_canary_stops(town: Town) -> Recorded:
    """Nobody knows whether its mail went out; its owner lets the others have theirs."""
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB, CAROL)
    number = town.prepare(SECOND, VersionClass.APPROVAL)
    town.mail.misbehave("500", times=1)
    town.release(number)
    eventually(lambda: town.told(campaign(number)).get("stage") == "canary")
    in_a_while(town, lambda: town.told(campaign(number)).get("stage") == "paused")
    town.desk.resume(POLICY, number, town.staff["lena"], "the mail service was away")
    in_a_while(town, lambda: town.version(number).effective_at)
    leap(town, 45)
    eventually(lambda: ended(town, campaign(number)))
    return {"campaign/canary_stops": (campaign(number), 0)}


def a_request_that_is_answered(town: Town) -> Recorded:
    request = asks_for_access(town)
    town.desk.verify(request.id, how="link to the address on file")
    town.desk.assign(request.reference, town.staff["petra"])
    leap(town, 12)
    town.desk.decide(request.reference, town.staff["petra"], IN_FULL)
    eventually(lambda: ended(town, request_id(request)))
    return {"data-subject-request/answered": (request_id(request), 0)}


def a_request_that_tells_its_end(town: Town) -> Recorded:
    """Since the change `tells-its-end`, as the other two that tell theirs."""
    (answered,) = a_request_that_is_answered(town).values()
    return {"data-subject-request/end_told": answered}


def a_campaign_that_tells_its_end(town: Town) -> Recorded:
    lived = a_campaign_from_beginning_to_end(town)
    return {
        "publication/end_told": lived["publication/released_with_campaign"],
        "campaign/end_told": lived["campaign/reminded_and_escalated"],
    }


def a_mail_delivery_that_tells_its_end(town: Town) -> Recorded:
    return {"mail-delivery/end_told": mails_sent_again(town)["mail-delivery/mail_service_down"]}


def a_request_refused_by_two(town: Town) -> Recorded:
    request = asks_for_access(town)
    town.desk.verify(request.id, how="link to the address on file")
    decision = town.desk.decide(request.reference, town.staff["petra"], REFUSAL)
    town.desk.confirm(request.reference, decision.id, town.staff["paul"])
    eventually(lambda: ended(town, request_id(request)))
    return {"data-subject-request/refused_by_two": (request_id(request), 0)}


def a_request_whose_person_never_says_who_they_are(town: Town) -> Recorded:
    request = asks_for_access(town)
    leap(town, 20)
    return {"data-subject-request/identity_awaited": (request_id(request), 0)}


def a_request_that_is_overdue(town: Town) -> Recorded:
    request = asks_for_access(town)
    town.desk.verify(request.id, how="link to the address on file")
    leap(town, 33)
    town.desk.decide(
        request.reference,
        town.staff["petra"],
        Answer(outcome=Outcome.FULFILLED, explanation="Here it is, late."),
    )
    eventually(lambda: ended(town, request_id(request)))
    return {"data-subject-request/overdue_with_late_reply": (request_id(request), 0)}


def a_request_while_the_mail_service_is_down(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    town.mail.misbehave("401", times=2)
    request = receives(town)
    in_a_while(town, lambda: town.mails(to=DORA.email))
    leap(town, 3)
    return {"data-subject-request/mail_service_down": (request_id(request), 0)}


def mails_sent_again(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: town.version(number).effective_at)
    with town.database.transaction() as transaction:
        mails = transaction.exec(select(OutboxMail).where(OutboxMail.step == "first_notice")).all()
        for mail in mails:
            mail.state = "operator"
    at_once, later = (f"mail-delivery/{mail.id}" for mail in mails)
    town.desk.resend(mails[0].id, town.staff["omar"])
    eventually(lambda: ended(town, at_once))
    town.mail.misbehave("401", times=2)
    town.desk.resend(mails[1].id, town.staff["omar"])
    in_a_while(town, lambda: ended(town, later))
    return {"mail-delivery/sent": (at_once, 0), "mail-delivery/mail_service_down": (later, 0)}


def rounds_of_the_watchdog(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    patrol(town, "watchdog/1")
    number = town.submit(SECOND)

    async def terminate() -> None:
        await town.client.get_workflow_handle(publication(number)).terminate()

    town.portal.call(terminate)
    patrol(town, "watchdog/2")
    return {"watchdog/all_well": ("watchdog/1", 0), "watchdog/repaired": ("watchdog/2", 0)}


def a_publication_that_looks_each_day(town: Town) -> Recorded:
    """For a release that it was not told, and for a date of effect that nobody fixes."""
    town.put_in_force(FIRST)
    town.import_accounts(ALICE)
    number = town.submit(SECOND)
    town.confirm_all(number, VersionClass.APPROVAL)
    town.rehearse(number)
    town.mail.misbehave("401", times=None)
    with town.database.transaction() as transaction:
        version = transaction.get_one(PolicyVersion, town.version(number).id)
        reviews.release(transaction, version, town.staff["noor"], town.now(), languages=LANGUAGES)
    leap(town, 1)
    eventually(lambda: kinds_of(town, campaign(number)))
    town.terminate(campaign(number))
    town.mail.misbehave("off")
    leap(town, 2)
    town.patrol()
    eventually(lambda: town.version(number).effective_at)
    leap(town, 45)
    eventually(lambda: ended(town, publication(number)))
    return {"publication/looks_each_day": (publication(number), 0)}


def a_campaign_whose_publication_is_away(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    town.import_accounts(ALICE)
    number = town.prepare(SECOND, VersionClass.APPROVAL)
    town.mail.misbehave("401", times=None)
    town.release(number)
    eventually(lambda: kinds_of(town, campaign(number)))
    town.terminate(publication(number))
    town.mail.misbehave("off")
    in_a_while(town, lambda: town.version(number).effective_at)
    leap(town, 45)
    eventually(lambda: ended(town, campaign(number)))
    return {"campaign/publication_away": (campaign(number), 0)}


def a_publication_that_goes_wrong(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    town.import_accounts(ALICE)
    number = town.submit(SECOND)
    town.confirm_all(number, VersionClass.APPROVAL)
    with trap(town, "INSERT ON campaign"):
        town.release(number)
        eventually(lambda: kinds_of(town, publication(number)).count(FAILED) >= 2)
    eventually(lambda: town.version(number).effective_at)
    leap(town, 45)
    eventually(lambda: ended(town, publication(number)))
    return {"publication/goes_wrong": (publication(number), 0)}


def a_publication_that_continues_as_new(town: Town) -> Recorded:
    a_publication_that_goes_wrong(town)
    return {
        "publication/continued_as_new": (publication(2), 0),
        "publication/continued_from_another_run": (publication(2), 1),
    }


def a_campaign_with_a_shard_that_goes_wrong(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    town.import_accounts(
        *(
            AccountRow(external_id=f"c-{number:05}", email=f"person.{number}@people.example")
            for number in range(SHARD_SIZE + 1)
        )
    )
    number = town.prepare(SECOND, VersionClass.APPROVAL)
    with trap(town, "INSERT ON outbox_mail WHEN NEW.shard = 0"):
        town.release(number)
        in_a_while(town, lambda: kinds_of(town, campaign(number)).count(FAILED) >= 2)
    in_a_while(town, lambda: town.version(number).effective_at)
    leap(town, 45)
    eventually(lambda: ended(town, campaign(number)))
    return {"campaign/shard_goes_wrong": (campaign(number), 0)}


def a_request_that_goes_wrong(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    town.import_accounts(DORA)
    with trap(town, "UPDATE ON outbox_mail"):
        request = receives(town)
        eventually(lambda: kinds_of(town, request_id(request)).count(FAILED) >= 2)
    eventually(lambda: len(town.mails(to=DORA.email)) == 2)
    leap(town, 12)
    return {"data-subject-request/goes_wrong": (request_id(request), 0)}


def a_request_that_continues_as_new(town: Town) -> Recorded:
    """While it goes wrong, and again on its way up the ladder."""
    ((request, _),) = a_request_that_goes_wrong(town).values()
    return {
        "data-subject-request/continued_as_new": (request, 0),
        "data-subject-request/continued_from_another_run": (request, 1),
    }


def a_mail_delivery_that_goes_wrong(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    town.import_accounts(ALICE)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: town.version(number).effective_at)
    with town.database.transaction() as transaction:
        query = select(OutboxMail).where(OutboxMail.step == "first_notice")
        mail = transaction.exec(query).one()
        mail.state = "operator"
    delivery = f"mail-delivery/{mail.id}"
    with trap(town, "UPDATE ON outbox_mail WHEN NEW.state = 'sending'"):
        town.desk.resend(mail.id, town.staff["omar"])
        eventually(lambda: kinds_of(town, delivery).count(FAILED) >= 2)
    eventually(lambda: ended(town, delivery))
    return {"mail-delivery/goes_wrong": (delivery, 0)}


def a_mail_delivery_that_continues_as_new(town: Town) -> Recorded:
    ((delivery, _),) = a_mail_delivery_that_goes_wrong(town).values()
    return {
        "mail-delivery/continued_as_new": (delivery, 0),
        "mail-delivery/continued_from_another_run": (delivery, 1),
    }


STORIES = (
    Story(
        live=a_campaign_from_beginning_to_end,
        paths=(
            "publication/editorial",
            "publication/released_with_campaign",
            "campaign/reminded_and_escalated",
        ),
    ),
    Story(live=a_version_that_legal_takes_back, paths=("publication/rejected",)),
    Story(
        live=a_version_that_people_are_only_told_of,
        paths=("publication/class_notice", "campaign/told_without_approval"),
    ),
    Story(live=a_campaign_with_nobody_to_ask, paths=("campaign/nobody_to_ask",)),
    Story(live=a_campaign_while_the_mail_service_is_down, paths=("campaign/mail_service_down",)),
    Story(
        live=a_campaign_that_waits_for_its_rate,
        paths=("campaign/waits_for_the_rate",),
        settings={"mail_rate_limit": 4},
    ),
    Story(
        live=a_campaign_that_continues_as_new,
        paths=("campaign/continued_as_new", "campaign/continued_from_another_run"),
        server_settings={"limit.historyCount.suggestContinueAsNew": 30},
    ),
    Story(
        live=a_campaign_whose_day_is_open_for_a_while,
        paths=("campaign/postponed_without_a_day", "publication/postponed_without_a_day"),
    ),
    Story(
        live=a_campaign_whose_day_is_open_while_it_sends,
        paths=("campaign/postponed_while_it_sends",),
    ),
    Story(live=a_campaign_whose_mails_were_wrong, paths=("campaign/corrected",)),
    Story(
        live=a_campaign_that_is_put_right_while_it_sends,
        paths=("campaign/corrected_while_it_sends",),
    ),
    Story(
        live=a_version_that_others_replace,
        paths=(
            "publication/replaced_in_review",
            "publication/replaced",
            "publication/replaces",
            "campaign/replaced",
            "campaign/corrects",
        ),
    ),
    Story(
        live=a_campaign_that_is_paused_and_called_off,
        paths=("campaign/withdrawn", "publication/withdrawn"),
    ),
    Story(
        live=a_campaign_that_was_not_told_it_is_called_off,
        paths=("campaign/withdrawn_unheard",),
    ),
    Story(live=a_campaign_that_is_postponed, paths=("campaign/postponed", "publication/postponed")),
    Story(live=a_campaign_that_is_paused_while_it_sends, paths=("campaign/paused_while_it_sends",)),
    Story(
        live=a_campaign_with_a_canary,
        paths=("campaign/canary",),
        settings={"canary_addressees": 1},
    ),
    Story(
        live=a_campaign_that_its_canary_stops,
        paths=("campaign/canary_stops",),
        settings={"canary_addressees": 1},
    ),
    Story(live=a_request_that_is_answered, paths=("data-subject-request/answered",)),
    Story(live=a_request_that_tells_its_end, paths=("data-subject-request/end_told",)),
    Story(live=a_request_refused_by_two, paths=("data-subject-request/refused_by_two",)),
    Story(
        live=a_request_whose_person_never_says_who_they_are,
        paths=("data-subject-request/identity_awaited",),
    ),
    Story(live=a_request_that_is_overdue, paths=("data-subject-request/overdue_with_late_reply",)),
    Story(
        live=a_request_while_the_mail_service_is_down,
        paths=("data-subject-request/mail_service_down",),
    ),
    Story(live=mails_sent_again, paths=("mail-delivery/sent", "mail-delivery/mail_service_down")),
    Story(live=a_campaign_that_tells_its_end, paths=("publication/end_told", "campaign/end_told")),
    Story(live=a_mail_delivery_that_tells_its_end, paths=("mail-delivery/end_told",)),
    Story(live=a_publication_that_looks_each_day, paths=("publication/looks_each_day",)),
    Story(live=a_campaign_whose_publication_is_away, paths=("campaign/publication_away",)),
    Story(live=a_publication_that_goes_wrong, paths=("publication/goes_wrong",)),
    Story(
        live=a_publication_that_continues_as_new,
        paths=("publication/continued_as_new", "publication/continued_from_another_run"),
        server_settings={"limit.historyCount.suggestContinueAsNew": 45},
    ),
    Story(
        live=a_campaign_with_a_shard_that_goes_wrong,
        paths=("campaign/shard_goes_wrong",),
        settings={"canary": False},
    ),
    Story(live=a_request_that_goes_wrong, paths=("data-subject-request/goes_wrong",)),
    Story(
        live=a_request_that_continues_as_new,
        paths=(
            "data-subject-request/continued_as_new",
            "data-subject-request/continued_from_another_run",
        ),
        server_settings={"limit.historyCount.suggestContinueAsNew": 20},
    ),
    Story(live=a_mail_delivery_that_goes_wrong, paths=("mail-delivery/goes_wrong",)),
    Story(
        live=a_mail_delivery_that_continues_as_new,
        paths=("mail-delivery/continued_as_new", "mail-delivery/continued_from_another_run"),
        server_settings={"limit.historyCount.suggestContinueAsNew": 15},
    ),
    Story(live=rounds_of_the_watchdog, paths=("watchdog/all_well", "watchdog/repaired")),
)


def publication(number: int) -> str:
    return f"publication/{POLICY}/{number}"


def campaign(number: int) -> str:
    return f"campaign/{POLICY}/{number}"


def request_id(request: DataSubjectRequest) -> str:
    return f"data-subject-request/{request.id}"


def receives(town: Town) -> DataSubjectRequest:
    """Dora asks for a copy of her data."""
    intake = Intake(name=DORA.name or "", contact_address=DORA.email, kinds=("access",))
    return town.desk.receive(intake, channel="web")


def asks_for_access(town: Town) -> DataSubjectRequest:
    """And both mails are out: that it came, and the link that shows who she is."""
    town.put_in_force(FIRST)
    town.import_accounts(DORA)
    request = receives(town)
    eventually(lambda: len(town.mails(to=DORA.email)) == 2)
    return request


@contextmanager
def trap(town: Town, act: str) -> Iterator[None]:
    """What does this to the database goes wrong meanwhile."""
    tell_database(
        town, f"CREATE TRIGGER planted BEFORE {act} BEGIN SELECT RAISE(ABORT, 'planted'); END"
    )
    yield
    tell_database(town, "DROP TRIGGER planted")


def tell_database(town: Town, command: str) -> None:
    with town.database.transaction() as transaction:
        transaction.connection().exec_driver_sql(command)


def kinds_of(town: Town, workflow_id: str) -> list[EventType.ValueType]:
    """What happened to a workflow in all its runs; nothing before it is started."""

    async def events() -> list[EventType.ValueType]:
        return [
            event.event_type
            async for run in town.client.list_workflows(f"WorkflowId = '{workflow_id}'")
            async for event in town.client.get_workflow_handle(
                run.id, run_id=run.run_id
            ).fetch_history_events()
        ]

    return town.portal.call(events)


def leap(town: Town, days: int) -> None:
    """Let days pass at once: going from day to day would leave its traces in the histories."""
    town.clock.advance(timedelta(days=days))
    town.portal.call(_follow, town.client, town.clock)


def in_a_while(town: Town, look: Callable[[], object]) -> None:
    """Let time pass, a minute each time one looks, until it is so."""

    def after_a_minute() -> object:
        town.advance(minutes=1)
        return look()

    eventually(after_a_minute)


def ended(town: Town, workflow_id: str) -> bool:
    async def look() -> bool:
        return (
            await town.client.get_workflow_handle(workflow_id).describe()
        ).close_time is not None

    return town.portal.call(look)


def patrol(town: Town, workflow_id: str) -> None:
    async def once() -> None:
        await town.client.execute_workflow(
            WatchdogWorkflow.run, id=workflow_id, task_queue=temporal.TASK_QUEUE
        )

    town.portal.call(once)

"""Stories of campaigns that somebody stops, moves, mends or replaces."""

from datetime import date, timedelta

from sqlmodel import select

from database.tables import OutboxMail
from domain.policies.reviews import VersionClass
from tests.eventually import eventually
from tests.people import ALICE, BOB, POLICY
from tests.texts import FIRST, SECOND, THIRD
from tests.workflows.conftest import Town
from tests.workflows.living import (
    MENDED,
    Recorded,
    Story,
    announce_unheard,
    announced,
    campaign,
    ended,
    in_a_while,
    leap,
    leap_before_effect,
    publication,
    put_right,
    reclassify,
    send_again_what_is_in_doubt,
    withdraw_unheard,
)


def a_campaign_that_is_paused_and_called_off(town: Town) -> Recorded:
    """Paused between its steps, resumed, and withdrawn before the date of effect."""
    number = announced(town)
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


def a_version_that_is_withdrawn_as_soon_as_it_replaced_another(town: Town) -> Recorded:
    """Temporal was away: its campaign begins when nothing of it comes, and tells those who were
    told of the one before."""
    announced(town)
    number = town.prepare(SECOND.replace("one year", "three years"), VersionClass.APPROVAL)
    announce_unheard(town, number)
    withdraw_unheard(town, number)
    town.patrol()
    eventually(lambda: ended(town, campaign(number)))
    return {"campaign/withdrawn_before_it_began": (campaign(number), 0)}


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


def a_campaign_of_a_version_that_is_in_force(town: Town) -> Recorded:
    """It came into force as editorial, and legal finds that it had needed approval."""
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB)
    number = town.publish(MENDED, VersionClass.EDITORIAL)
    eventually(lambda: town.version(number).in_force_at)
    reclassify(town, number)
    eventually(lambda: len(town.mails()) == 2)
    town.come_to_rest()
    leap(town, 45)
    eventually(lambda: ended(town, campaign(number)))
    return {"campaign/asks_late": (campaign(number), 0)}


def a_campaign_that_is_called_off_while_it_escalates(town: Town) -> Recorded:
    """The mail to its owner waits for the mail service; nobody waits for that mail."""
    number = announced(town)
    leap_before_effect(town, number, timedelta(days=2))
    town.mail.misbehave("401", times=None)
    leap_before_effect(town, number, timedelta(days=1))
    stage = "sending escalation owner"
    in_a_while(town, lambda: town.told(campaign(number)).get("stage") == stage)
    town.desk.withdraw(POLICY, number, town.staff["noor"], "the wrong text")
    town.mail.misbehave("off")
    in_a_while(town, lambda: ended(town, campaign(number)))
    return {"campaign/withdrawn_while_it_escalates": (campaign(number), 0)}


def a_campaign_that_is_put_right_while_it_reminds(town: Town) -> Recorded:
    """The correction goes out before the reminders that wait for the mail service."""
    number = announced(town)
    town.mail.misbehave("401", times=None)
    leap_before_effect(town, number, timedelta(days=14))
    stage = "sending reminder 1"
    in_a_while(town, lambda: town.told(campaign(number)).get("stage") == stage)
    put_right(town, number)
    in_a_while(town, lambda: town.told(campaign(number)).get("stage") == "sending correction 1")
    town.mail.misbehave("off")
    in_a_while(town, lambda: len(town.mails()) == 6)
    return {"campaign/corrected_while_it_reminds": (campaign(number), 0)}


def a_campaign_with_mails_in_doubt(town: Town) -> Recorded:
    """It looks every six hours whether they still are, until ops decide."""
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB)
    number = town.prepare(SECOND, VersionClass.APPROVAL)
    town.mail.misbehave("500", times=1)
    town.release(number)
    in_a_while(town, lambda: town.version(number).effective_at)
    eventually(lambda: town.told(campaign(number))["whose_turn"] == "ops")
    send_again_what_is_in_doubt(town)
    town.advance(hours=7)
    eventually(lambda: town.told(campaign(number))["whose_turn"] == "account holders")
    return {"campaign/in_doubt": (campaign(number), 0)}


def in_two_months(town: Town) -> date:
    return (town.now() + timedelta(days=60)).date()


def is_in_doubt(town: Town) -> bool:
    with town.database.session() as session:
        return (
            session.exec(select(OutboxMail).where(OutboxMail.state == "unknown")).first()
            is not None
        )


STORIES = (
    Story(
        live=a_campaign_that_is_paused_and_called_off,
        paths=("campaign/withdrawn", "publication/withdrawn"),
    ),
    Story(
        live=a_campaign_that_was_not_told_it_is_called_off,
        paths=("campaign/withdrawn_unheard",),
    ),
    Story(live=a_campaign_that_is_postponed, paths=("campaign/postponed", "publication/postponed")),
    Story(
        live=a_campaign_whose_day_is_open_for_a_while,
        paths=("campaign/postponed_without_a_day", "publication/postponed_without_a_day"),
    ),
    Story(
        live=a_campaign_whose_day_is_open_while_it_sends,
        paths=("campaign/postponed_while_it_sends",),
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
        live=a_version_that_is_withdrawn_as_soon_as_it_replaced_another,
        paths=("campaign/withdrawn_before_it_began",),
    ),
    Story(live=a_campaign_whose_mails_were_wrong, paths=("campaign/corrected",)),
    Story(
        live=a_campaign_that_is_put_right_while_it_sends,
        paths=("campaign/corrected_while_it_sends",),
    ),
    Story(live=a_campaign_of_a_version_that_is_in_force, paths=("campaign/asks_late",)),
    Story(
        live=a_campaign_that_is_called_off_while_it_escalates,
        paths=("campaign/withdrawn_while_it_escalates",),
    ),
    Story(
        live=a_campaign_that_is_put_right_while_it_reminds,
        paths=("campaign/corrected_while_it_reminds",),
    ),
    Story(live=a_campaign_with_mails_in_doubt, paths=("campaign/in_doubt",)),
)

"""Stories of single mails that ops send again."""

from sqlmodel import select

from database.mail.doubts import doubts
from database.tables import OutboxMail
from domain.policies.reviews import VersionClass
from tests.eventually import eventually
from tests.people import ALICE, BOB, POLICY
from tests.texts import FIRST, SECOND
from tests.workflows.conftest import Town
from tests.workflows.living import (
    FAILED,
    Recorded,
    Story,
    announced,
    ended,
    in_a_while,
    kinds_of,
    trap,
)


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


def mails_of_a_step_sent_again(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: town.version(number).effective_at)
    with town.database.transaction() as transaction:
        for mail in transaction.exec(
            select(OutboxMail).where(OutboxMail.step == "first_notice")
        ).all():
            mail.state = "operator"
    with town.database.session() as session:
        (group,) = doubts(session)
    delivery = f"mail-delivery/{group.campaign_id}/{group.step}"
    town.mail.misbehave("401", times=1)
    town.desk.resend_alike(group.key, town.staff["omar"])
    in_a_while(town, lambda: ended(town, delivery))
    return {"mail-delivery/step_sent_again": (delivery, 0)}


def a_mail_delivery_that_tells_its_end(town: Town) -> Recorded:
    return {"mail-delivery/end_told": mails_sent_again(town)["mail-delivery/mail_service_down"]}


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


def held_back(town: Town) -> str:
    """Ops send a mail again, the mail service is away, and before the next try its campaign is
    paused: the workflow that waits."""
    number = announced(town)
    with town.database.transaction() as transaction:
        query = select(OutboxMail).where(OutboxMail.step == "first_notice").limit(1)
        mail = transaction.exec(query).one()
        mail.state = "operator"
    delivery = f"mail-delivery/{mail.id}"
    town.mail.misbehave("401", times=1)
    town.desk.resend(mail.id, town.staff["omar"])
    eventually(lambda: town.told(delivery).get("whose_turn") == "mail service")
    town.desk.pause(POLICY, number, town.staff["lena"], "a wrong sentence")
    in_a_while(town, lambda: town.told(delivery)["stage"] == "held back")
    return delivery


def a_mail_that_its_campaign_holds_back(town: Town) -> Recorded:
    delivery = held_back(town)
    town.desk.resume(POLICY, 2, town.staff["lena"], "it is right")
    in_a_while(town, lambda: ended(town, delivery))
    return {"mail-delivery/held_back": (delivery, 0)}


STORIES = (
    Story(live=mails_of_a_step_sent_again, paths=("mail-delivery/step_sent_again",)),
    Story(live=mails_sent_again, paths=("mail-delivery/sent", "mail-delivery/mail_service_down")),
    Story(live=a_mail_delivery_that_tells_its_end, paths=("mail-delivery/end_told",)),
    Story(live=a_mail_that_its_campaign_holds_back, paths=("mail-delivery/held_back",)),
    Story(live=a_mail_delivery_that_goes_wrong, paths=("mail-delivery/goes_wrong",)),
    Story(
        live=a_mail_delivery_that_continues_as_new,
        paths=("mail-delivery/continued_as_new", "mail-delivery/continued_from_another_run"),
        server_settings={"limit.historyCount.suggestContinueAsNew": 15},
    ),
)

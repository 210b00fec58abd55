"""Stories of campaigns that run by themselves, whatever the mail service does."""

from unittest.mock import patch

from database.campaigns import freezing
from database.campaigns.freezing import SHARD_SIZE
from database.people.accounts import AccountRow
from domain.policies.reviews import VersionClass
from tests.eventually import eventually
from tests.people import ALICE, BOB, CAROL, POLICY
from tests.texts import FIRST, SECOND
from tests.workflows.conftest import Town
from tests.workflows.living import (
    FAILED,
    Recorded,
    Story,
    campaign,
    ended,
    in_a_while,
    kinds_of,
    leap,
    publication,
    trap,
)
from workflows.campaign import SHARDS_IN_A_TRY


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
    town.mail.misbehave("reset", times=1)
    town.release(number)
    eventually(lambda: town.told(campaign(number)).get("stage") == "canary")
    in_a_while(town, lambda: town.told(campaign(number)).get("stage") == "paused")
    town.desk.resume(POLICY, number, town.staff["lena"], "the mail service was away")
    in_a_while(town, lambda: town.version(number).effective_at)
    leap(town, 45)
    eventually(lambda: ended(town, campaign(number)))
    return {"campaign/canary_stops": (campaign(number), 0)}


def a_campaign_whose_canary_is_answered_with_an_error(town: Town) -> Recorded:
    """It is stopped at once, and its owner lets the others have their mails."""
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB, CAROL)
    number = town.prepare(SECOND, VersionClass.APPROVAL)
    town.mail.misbehave("500", times=1)
    town.release(number)
    eventually(lambda: town.told(campaign(number)).get("stage") == "paused")
    town.desk.resume(POLICY, number, town.staff["lena"], "the mail service works again")
    in_a_while(town, lambda: town.version(number).effective_at)
    leap(town, 45)
    eventually(lambda: ended(town, campaign(number)))
    return {"campaign/canary_stops_at_once": (campaign(number), 0)}


def a_campaign_that_the_breaker_stops(town: Town) -> Recorded:
    """The first address is refused; its owner lets the others have their mails all the same."""
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB, CAROL)
    number = town.prepare(SECOND, VersionClass.APPROVAL)
    town.mail.misbehave("400", times=1)
    town.release(number)
    eventually(lambda: town.told(campaign(number)).get("stage") == "paused")
    town.desk.resume(POLICY, number, town.staff["lena"], "it was an old address")
    eventually(lambda: town.version(number).effective_at)
    leap(town, 45)
    eventually(lambda: ended(town, campaign(number)))
    return {"campaign/breaker_stops": (campaign(number), 0)}


def a_campaign_that_tells_its_end(town: Town) -> Recorded:
    lived = a_campaign_from_beginning_to_end(town)
    return {
        "publication/end_told": lived["publication/released_with_campaign"],
        "campaign/end_told": lived["campaign/reminded_and_escalated"],
    }


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


def told_to_ops(town: Town, workflow_id: str) -> str:
    return town.told(workflow_id).get("waits_for", "")


def a_campaign_of_many_shards(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    town.import_accounts(
        *(
            AccountRow(external_id=f"c-{number:05}", email=f"person.{number}@people.example")
            for number in range(SHARDS_IN_A_TRY + 1)
        )
    )
    with patch.object(freezing, "SHARD_SIZE", 1):
        number = town.publish(SECOND, VersionClass.APPROVAL)
        eventually(lambda: town.version(number).effective_at)
    leap(town, 45)
    eventually(lambda: ended(town, campaign(number)))
    return {"campaign/many_shards": (campaign(number), 0)}


def a_campaign_in_few_tries(town: Town) -> Recorded:
    """As the one before, whose history was kept when many shards made many tries."""
    return {"campaign/in_few_tries": a_campaign_of_many_shards(town)["campaign/many_shards"]}


def a_campaign_in_fewer_events(town: Town) -> Recorded:
    """As the first one, whose history was kept when its steps were more."""
    lived = a_campaign_from_beginning_to_end(town)
    return {
        "publication/in_fewer_events": lived["publication/released_with_campaign"],
        "campaign/in_fewer_events": lived["campaign/reminded_and_escalated"],
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
    Story(live=a_campaign_that_is_paused_while_it_sends, paths=("campaign/paused_while_it_sends",)),
    Story(
        live=a_campaign_with_a_canary,
        paths=("campaign/canary",),
        settings={"canary_addressees": 1},
    ),
    Story(
        live=a_campaign_whose_canary_is_answered_with_an_error,
        paths=("campaign/canary_stops_at_once",),
        settings={"canary_addressees": 1},
    ),
    Story(
        live=a_campaign_that_its_canary_stops,
        paths=("campaign/canary_stops",),
        settings={"canary_addressees": 1},
    ),
    Story(
        live=a_campaign_that_the_breaker_stops,
        paths=("campaign/breaker_stops",),
        settings={"mail_batch_size": 1, "stop_copies_at_least": 1},
    ),
    Story(live=a_campaign_that_tells_its_end, paths=("publication/end_told", "campaign/end_told")),
    Story(live=a_campaign_whose_publication_is_away, paths=("campaign/publication_away",)),
    Story(live=a_campaign_of_many_shards, paths=("campaign/many_shards",)),
    Story(live=a_campaign_in_few_tries, paths=("campaign/in_few_tries",)),
    Story(
        live=a_campaign_in_fewer_events,
        paths=("publication/in_fewer_events", "campaign/in_fewer_events"),
    ),
    Story(
        live=a_campaign_with_a_shard_that_goes_wrong,
        paths=("campaign/shard_goes_wrong",),
        settings={"canary": False},
    ),
)

"""Stories of alarms that the webhook does not take at once."""

import temporal
from database.webhooks.alarms import AlarmKind, sound
from tests.eventually import eventually
from tests.own_settings import free_ports
from tests.webhook_receiver import SECRET, receiving
from tests.workflows.conftest import Town
from tests.workflows.living import FAILED, Recorded, Story, ended, in_a_while, kinds_of, trap

(PORT,) = free_ports(1)
WITH_WEBHOOK = {
    "alarm_webhook_url": f"http://127.0.0.1:{PORT}/alarms",
    "alarm_webhook_secret": SECRET,
}


def alarm_waits(town: Town) -> str:
    """An alarm that was not taken at once, and the workflow that sees to it."""
    with town.database.transaction() as transaction:
        kind, page = AlarmKind.MAILS_UNSETTLED, "/staff/ops"
        sound(transaction, kind, "today", town.now(), page=page, mails=1)
    what, now = temporal.alarm_delivery(), town.now()
    town.portal.call(
        lambda: temporal.start(town.client, what, as_of=now, offset=town.clock.offset())
    )
    return what.workflow_id


def alarms_while_the_webhook_is_down(town: Town) -> Recorded:
    delivery = alarm_waits(town)
    eventually(lambda: "does not answer" in town.told(delivery).get("waits_for", ""))
    with receiving(PORT):
        in_a_while(town, lambda: ended(town, delivery))
    return {"alarm-delivery/webhook_down": (delivery, 0)}


def an_alarm_delivery_that_goes_wrong(town: Town) -> Recorded:
    with receiving(PORT):
        with trap(town, "UPDATE ON alarm"):
            delivery = alarm_waits(town)
            eventually(lambda: kinds_of(town, delivery).count(FAILED) >= 2)
        eventually(lambda: ended(town, delivery))
    return {"alarm-delivery/goes_wrong": (delivery, 0)}


def an_alarm_delivery_that_continues_as_new(town: Town) -> Recorded:
    ((delivery, _),) = an_alarm_delivery_that_goes_wrong(town).values()
    return {
        "alarm-delivery/continued_as_new": (delivery, 0),
        "alarm-delivery/continued_from_another_run": (delivery, 1),
    }


STORIES = (
    Story(
        live=alarms_while_the_webhook_is_down,
        paths=("alarm-delivery/webhook_down",),
        settings=WITH_WEBHOOK,
    ),
    Story(
        live=an_alarm_delivery_that_goes_wrong,
        paths=("alarm-delivery/goes_wrong",),
        settings=WITH_WEBHOOK,
    ),
    Story(
        live=an_alarm_delivery_that_continues_as_new,
        paths=("alarm-delivery/continued_as_new", "alarm-delivery/continued_from_another_run"),
        server_settings={"limit.historyCount.suggestContinueAsNew": 15},
        settings=WITH_WEBHOOK,
    ),
)

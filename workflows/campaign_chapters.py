"""What ops read of a campaign: what it waits for, how fast it sends, what is safe to press."""

from collections.abc import Sequence
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.campaigns.case import CampaignCase
    from activities.mail.outbox import ALL_STOPPED, SendProgress
    from database.campaigns.freezing import SHARD_SIZE
    from domain.mail.pace import about
    from domain.rungs import Rung
    from workflows.story import LOOKS, YOURS_AFTER_AN_HOUR, Chapter, moment

FIRST_NOTICE = "first_notice"
NO_NEWS = "some mails are of unknown outcome until the mail service reports on them"
TAKES_UP = (
    f"{LOOKS}, and to write down all account holders whom it concerns if that is still to do; "
    "some minutes when they are many"
)
FREEZES = Chapter(
    stage="freezing the audience",
    waits_for="the list of all account holders whom it concerns; some minutes when they are many",
    by_itself="writes it down in small pieces, and sends the first notice",
)


def sends(
    step: str,
    mails: str,
    problem: str | None,
    since: datetime | None = None,
    pace: str = "",
) -> Chapter:
    """A step goes out; what is wrong with it, or how fast it goes."""
    so = f". Problem: {problem}" if problem else pace
    return Chapter(
        stage=f"sending {step.replace('_', ' ')}",
        waits_for=f"the mail service to take {mails}{so}",
        awaiting=_whose_turn(problem),
        since=since,
        by_itself=_by_itself(problem),
        wake=YOURS_AFTER_AN_HOUR if problem else "nobody",
    )


def waits_for_canary(campaign: CampaignCase, until: datetime) -> Chapter:
    """The others wait for what becomes of those who went first."""
    return Chapter(
        stage="canary",
        waits_for=f"what becomes of the first {campaign.canary} of {campaign.addressees} mails: "
        "bounces, complaints, errors",
        awaiting="nobody",
        until=until,
        by_itself=f"{moment(until)}: mails the others, or pauses the campaign and tells its owner "
        "when too much went wrong",
    )


def waits_for(rung: Rung, campaign: CampaignCase) -> Chapter:
    """Everybody was mailed; this rung comes next."""
    if campaign.paused:
        return is_paused(campaign)
    return Chapter(
        stage="notified",
        waits_for=f"those of {_holders(campaign.addressees)} who are asked, to approve or "
        f"decline, each by their own link{_effect(campaign)}. How many did: `promisekeeper policy "
        f"status`{_unheard(campaign)}",
        awaiting="ops" if campaign.in_doubt else "account holders",
        since=campaign.since,
        until=campaign.effective_at,
        by_itself=f"{rung.summary}: {moment(rung.at)}",
        acts_at=rung.at,
        wake=_whom_to_wake(campaign) or "nobody. Reminders and escalations go out by themselves",
    )


def waits_for_effect(campaign: CampaignCase) -> Chapter:
    """Nothing is left of its timetable but the day itself."""
    day = "the day until which people are asked" if campaign.asks_late else "the date of effect"
    return Chapter(
        stage="notified",
        waits_for=f"{day}, to keep the final numbers{_unheard(campaign)}",
        awaiting="ops" if campaign.in_doubt else "nobody",
        since=campaign.since,
        until=campaign.effective_at,
        by_itself="keeps the final numbers and ends",
        wake=_whom_to_wake(campaign) or "nobody",
    )


def is_paused(campaign: CampaignCase) -> Chapter:
    """Somebody, or the machine, stopped it."""
    reason = (
        f"The machine paused it. {campaign.stopped_because}"
        if campaign.stopped_because
        else "Who paused it and why: "
        f"`promisekeeper campaign report {campaign.slug} {campaign.number}`"
    )
    return Chapter(
        stage="paused",
        waits_for="its owner to resume it: `promisekeeper campaign resume "
        f"{campaign.slug} {campaign.number}`. Nothing goes out meanwhile; answers are taken. "
        f"{reason}",
        awaiting="campaign owner",
        until=campaign.effective_at,
        by_itself="nothing. It is to stand still",
    )


def is_postponed(campaign: CampaignCase) -> Chapter:
    """Its version has no day of effect any more."""
    return Chapter(
        stage="postponed",
        waits_for="legal to say when the version takes effect: `promisekeeper policy postpone "
        f"{campaign.slug} {campaign.number} --until DATE`. Answers are taken meanwhile",
        awaiting="legal",
        by_itself="nothing. Whoever was mailed was told that it comes later",
    )


def whom(step: str, campaign: CampaignCase) -> str:
    """Whose mails a step is: of how many of how many."""
    if step == FIRST_NOTICE and campaign.canary:
        return f"the canary, {campaign.canary} of {_holders(campaign.addressees)}"
    return f"each of {_holders(campaign.addressees)}"


def problem_with(progress: SendProgress) -> str | None:
    """Why mails are left with the mail service. What goes wrong on our side is told elsewhere."""
    return progress.problem or (NO_NEWS if progress.unknown else None)


def rest_of(shards: Sequence[int], campaign: CampaignCase) -> int:
    """About how many mails are left."""
    return min(campaign.canary or campaign.addressees, len(shards) * SHARD_SIZE)


def pace_of(limited: SendProgress, rest: int) -> str:
    """How fast it goes where something limits it, until when nothing does, how long it takes."""
    if limited.per_minute:
        return f"; {limited.patience}, {about(rest, limited.per_minute)} for the rest"
    until = f": {moment(limited.not_before)}" if limited.not_before else ""
    return f"; {limited.patience}{until}" if limited.patience else ""


def every_shard(step: str, campaign: CampaignCase) -> list[int]:
    """All that a step goes out to: of the first notice, while the others wait, the canary's."""
    waits = step == FIRST_NOTICE and campaign.canary
    return list(range(-campaign.canary_shards, 0 if waits else campaign.shards))


def _unheard(campaign: CampaignCase) -> str:
    """How many have no mail or may have none, and where that is seen and mended."""
    told = ""
    if campaign.in_doubt:
        told += (
            f". Of {campaign.in_doubt} first notices nobody knows whether they went out: "
            "`promisekeeper mail unknown --groups`"
        )
    if campaign.without_mail:
        told += (
            f". {_holders(campaign.without_mail)} got none: `promisekeeper campaign "
            f"not-reached {campaign.slug} {campaign.number}`"
        )
    return told


def _by_itself(problem: str | None) -> str:
    if problem is None:
        return "goes on sending"
    if problem == ALL_STOPPED:
        return "goes on as soon as mail is started again"
    return "tries again every half minute"


def _whose_turn(problem: str | None) -> str:
    if problem is None:
        return "nobody"
    return "ops" if problem == ALL_STOPPED else "mail service"


def _whom_to_wake(campaign: CampaignCase) -> str:
    """Empty when everybody has their mail."""
    if campaign.in_doubt:
        return (
            "ops, by day, until nothing is in doubt: the mails wait for their word on /staff/ops. "
            "Nobody at night"
        )
    if campaign.without_mail:
        return (
            "the campaign's owner, by day: the list of the not reached is theirs. Nobody at night"
        )
    return ""


def _effect(campaign: CampaignCase) -> str:
    if campaign.effective_at is None:
        return ""
    if campaign.asks_late:
        return (
            ". The version was in force before it was found to need approval; whoever has not "
            f"approved is back on the old one, and is asked until {moment(campaign.effective_at)}"
        )
    takes = "takes" if campaign.effective_at > workflow.now() else "took"
    return (
        f". The version {takes} effect on {moment(campaign.effective_at)}; whoever has not "
        "approved stays on the old one"
    )


def _holders(count: int) -> str:
    return "1 account holder" if count == 1 else f"{count} account holders"

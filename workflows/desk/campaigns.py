"""An announced version and its campaign: stopped, put off, put right; who was missed (P4, P8)."""

from collections.abc import Collection
from datetime import date
from functools import partial
from typing import TypeVar
from uuid import UUID

import temporal
from database.approvals.reach import Reach
from database.campaigns import controls, corrections, not_reached, reclassifying
from database.campaigns.campaigns import campaign_by_number
from database.people.accounts import account_by_external_id
from database.people.staff import by_handle, require_role
from database.policies import policies
from database.writing import hold, hold_with_what_points_to_it
from workflows.desk.part import DeskPart, refusing, require_showable

Found = TypeVar("Found")


class Campaigns(DeskPart):
    """Where legal and ops control what was announced, and whoever reaches people says so."""

    def pause(self, slug: str, number: int, staff_id: UUID, reason: str) -> None:
        """Stop a campaign's mails; ops may do that alone (P8). Raises Refused."""
        self._control(controls.pause, slug, number, staff_id, reason, "legal", "ops")

    def resume(self, slug: str, number: int, staff_id: UUID, reason: str) -> None:
        """Let a campaign go on, which takes its owner (P8). Raises Refused."""
        self._control(controls.resume, slug, number, staff_id, reason, "legal", "ops")

    def set_rate(
        self, slug: str, number: int, staff_id: UUID, reason: str, per_minute: int
    ) -> None:
        """Let no more copies of a campaign go out in a minute, 0 for no limit of its own (P8).

        Slower may ops alone; faster takes its owner. Raises Refused.
        """
        rate = partial(controls.set_rate, per_minute=per_minute)
        self._control(rate, slug, number, staff_id, reason, "legal", "ops")

    def withdraw(self, slug: str, number: int, staff_id: UUID, reason: str) -> None:
        """Take back an announced version; whoever was mailed is told (P8). Raises Refused."""
        self._control(controls.withdraw, slug, number, staff_id, reason, "legal")

    def postpone(
        self, slug: str, number: int, staff_id: UUID, reason: str, until_on: date | None
    ) -> None:
        """Let an announced version take effect later, or on a day that is open; whoever was mailed
        is told (P7, P8). Raises Refused.
        """
        later = partial(
            controls.postpone,
            until_on=until_on,
            zone=self.company.zone,
            sending_period=self._periods.sending_period,
        )
        self._control(later, slug, number, staff_id, reason, "legal")

    def correct(
        self, slug: str, number: int, staff_id: UUID, reason: str, right: corrections.Right
    ) -> Reach:
        """Propose how mails that went out wrong are put right, and stop the campaign; whom it is
        to be mailed to (P8). Raises Refused.
        """
        for words in right.words:
            require_showable(words.mail, words.summary or "", *words.sentences.values())
        languages = self.company.languages
        with refusing(), self.database.session() as session:
            require_role(session, staff_id, "legal")
            version = policies.version_by_slug(session, slug, number)
            found = corrections.look_ahead(session, version, right, languages=languages)
        propose = partial(corrections.propose, right=right, languages=languages)
        self._control(propose, slug, number, staff_id, reason, "legal")
        return found

    def confirm_correction(self, slug: str, number: int, staff_id: UUID) -> Reach:
        """A second person lets a correction go out, and the campaign runs on; whom it is mailed to
        (P8). Raises Refused."""
        with refusing(), self.database.session() as session:
            require_role(session, staff_id, "legal")
            counted = corrections.count(session, policies.version_by_slug(session, slug, number))
        with refusing(), self.database.transaction() as transaction:
            version = policies.version_by_slug(transaction, slug, number)
            hold_with_what_points_to_it(transaction, version)  # each decision is before or after
            now = self.clock.now()
            campaign, found = corrections.confirm(
                transaction,
                version,
                staff_id,
                now,
                counted=counted,
                languages=self.company.languages,
            )
        self._messenger.start_or_leave(temporal.campaign(campaign.id, slug, number), now)
        self._tell(slug, number)
        return found

    def take_back_correction(self, slug: str, number: int, staff_id: UUID, reason: str) -> None:
        """What was said to be wrong is right after all: the campaign goes on (P8). Raises
        Refused."""
        self._control(corrections.take_back, slug, number, staff_id, reason, "legal")

    def reclassify(
        self,
        slug: str,
        number: int,
        staff_id: UUID,
        reason: str,
        mistake: reclassifying.Mistake,
    ) -> None:
        """Propose that a version in force should have asked for approval (P2). Raises Refused."""
        require_showable(*mistake.confirm, *mistake.add)
        for words in mistake.words:
            require_showable(words.summary or "", *words.sentences.values())
        propose = partial(reclassifying.propose, mistake=mistake, languages=self.company.languages)
        self._control(propose, slug, number, staff_id, reason, "legal")

    def agree_to_reclassification(self, slug: str, number: int, staff_id: UUID) -> None:
        """A second person agrees: it takes approval from now on, and people are asked (P2).

        Raises Refused.
        """
        with refusing(), self.database.transaction() as transaction:
            hold(transaction, policies.policy_by_slug(transaction, slug))
            version = policies.version_by_slug(transaction, slug, number)
            hold_with_what_points_to_it(transaction, version)  # each decision is before or after
            now = self.clock.now()
            campaign = reclassifying.confirm(
                transaction,
                version,
                staff_id,
                now,
                asks_until_on=self._not_before(None, version.notice_days, now),
                languages=self.company.languages,
            )
        self._tell(slug, number)
        self._messenger.start_or_leave(temporal.campaign(campaign.id, slug, number), now)

    def assign_not_reached(
        self,
        slug: str,
        number: int,
        staff_id: UUID,
        handle: str,
        *,
        state: str | None = None,
        accounts: Collection[str] = (),
    ) -> int:
        """Say who is to reach those the first notice did not (P4); how many. Raises Refused."""
        now, assigned = self.clock.now(), 0
        while True:
            with self._acting(staff_id, "legal") as transaction:
                owner = by_handle(transaction, handle)
                more = not_reached.assign(
                    transaction,
                    campaign_by_number(transaction, slug, number),
                    owner=require_role(transaction, owner.id, *not_reached.WHO_REACHES),
                    state=state,
                    accounts=accounts,
                    by=staff_id,
                    now=now,
                )
            assigned += more
            if not more:
                return assigned

    def mark_reached(
        self, slug: str, number: int, staff_id: UUID, account: str, *, how: str, reason: str
    ) -> None:
        """Note that somebody was told by post, by phone or in person (P4). Raises Refused."""
        require_showable(reason)
        with self._acting(staff_id, *not_reached.WHO_REACHES) as transaction:
            not_reached.mark_reached(
                transaction,
                campaign_by_number(transaction, slug, number),
                account_by_external_id(transaction, account),
                how=how,
                reason=reason,
                by=staff_id,
                now=self.clock.now(),
            )

    def _control(
        self,
        control: controls.Control[Found],
        slug: str,
        number: int,
        staff_id: UUID,
        reason: str,
        *roles: str,
    ) -> Found:
        """It works with the row that is written here; the workflows are only told."""
        require_showable(reason)
        with refusing(), self.database.transaction() as transaction:
            policy = policies.policy_by_slug(transaction, slug)
            hold(transaction, policy)  # else it may be done after the instant that it says
            act = controls.acting(
                transaction, staff_id, *roles, reason=reason, now=self.clock.now()
            )
            version = policies.version_by_number(transaction, policy.id, number)
            found = control(transaction, version, act)
        self._tell(slug, number)
        return found

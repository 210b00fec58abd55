"""Audiences: whom a campaign would address if it began now, in groups (P4)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session, func, select

from database.approvals.approvals import PolicyHistory
from database.approvals.standings import standings
from database.policies.assessments import assessment_of
from database.policies.policies import announced_versions
from database.tables import Account, Policy, PolicyVersion
from domain.people.account_holders import AccountKind, LeftOut, Status, left_out
from domain.policies.reviews import VersionClass


@dataclass(frozen=True, kw_only=True)
class Group:
    """Accounts for which a version means the same, and who get the same mail.

    `governing` and `accepted` are the numbers of versions; the change is shown from the former.
    `asks_approval`: whether they are asked. Where not, the version governs them without it, or they
    are minors, who cannot approve: those whom it would not govern `stay`.
    """

    governing: int
    accepted: int
    language: str
    kind: str
    asks_approval: bool
    stays: bool
    addressed: bool
    accounts: int


@dataclass(frozen=True, kw_only=True)
class Preview:
    """Whom a version would be told to and who would be asked, if it were released at this instant.

    `without_address`: how many open accounts no mail can reach; addressed, they go on the list of
    those not reached. `gives_way`: the version that is announced, if one is (`mending.mending` says
    what that means). `left_out`: how many get no mail for a reason of
    their own, by that reason. `unassessed`: the versions from which the change is not known yet;
    their accounts count as asked.
    """

    groups: tuple[Group, ...]
    left_out: Mapping[LeftOut, int]
    unassessed: tuple[int, ...]
    without_address: int
    gives_way: int | None

    @property
    def addressees(self) -> int:
        """How many a campaign would address."""
        return sum(group.accounts for group in self.groups if group.addressed)

    @property
    def asked(self) -> int:
        """How many of them would be asked for their approval."""
        return sum(
            group.accounts for group in self.groups if group.addressed and group.asks_approval
        )

    @property
    def told_only(self) -> int:
        """How many of them would be told and not asked."""
        return self.addressees - self.asked

    @property
    def minors_who_stay(self) -> int:
        """How many of these are minors, for whom nothing changes as they cannot approve."""
        return sum(group.accounts for group in self.groups if group.addressed and group.stays)

    def __str__(self) -> str:
        """Whom it would reach, in words for staff."""
        words = (
            f"{self.addressees} would be told: {self.asked} of them be asked for approval, "
            f"{self.told_only} only told, without reminders."
        )
        if self.minors_who_stay:
            words += (
                " Minors among the told, who cannot approve and stay on their version: "
                f"{self.minors_who_stay}."
            )
        left_out = ", ".join(f"{accounts} {why}" for why, accounts in self.left_out.items())
        return f"{words} No mail, for a reason of their own: {left_out}."


def preview(session: Session, version: PolicyVersion, at: datetime) -> Preview:
    """Whom a version would address if its audience were frozen at this instant; writes nothing.

    While it has no class it is counted as of class `approval`. An editorial one addresses nobody.
    """
    history = PolicyHistory(session, session.get_one(Policy, version.policy_id))
    counts: Counter[Group] = Counter()
    absent: Counter[LeftOut] = Counter()
    bases: set[int] = set()
    for standing, accounts in standings(session, history, at, version).items():
        needs = bool(standing.asks_approval)
        minor = standing.kind == AccountKind.MINOR
        why = left_out(standing.status, standing.kind)
        if why is not None:
            absent[why] += accounts
            continue
        bases |= {standing.governing, standing.accepted}
        group = Group(
            governing=standing.governing,
            accepted=standing.accepted,
            language=standing.language,
            kind=standing.kind,
            asks_approval=needs and not minor,
            stays=needs and minor,
            addressed=is_addressed(version, standing.governing),
            accounts=0,
        )
        counts[group] += accounts
    announced = [each.number for each in announced_versions(session, version.policy_id)]
    nowhere = Account.status == Status.OPEN, Account.email == ""
    groups = (replace(group, accounts=accounts) for group, accounts in counts.items())
    return Preview(
        groups=tuple(sorted(groups, key=_order)),
        left_out={why: absent[why] for why in LeftOut},
        unassessed=tuple(
            number
            for number in sorted(bases - {version.number})
            if not assessment_of(session, history.versions[number].id, version.id)
        ),
        without_address=session.exec(
            select(func.count()).select_from(Account).where(*nowhere)
        ).one(),
        gives_way=next((number for number in announced if number != version.number), None),
    )


def _order(group: Group) -> tuple[object, ...]:
    return (-group.governing, -group.accepted, group.language, group.kind, group.asks_approval)


def is_addressed(version: PolicyVersion, governing: int) -> bool:
    """Whether a version is told to those whom another one governs: unless it is only posted,
    everybody is, whether they have to approve or move to it without (P4). Whom it governs already,
    or a later one does, it tells nothing new."""
    return version.version_class != VersionClass.EDITORIAL and governing < version.number

"""Audiences: whom a campaign would address if it began now, in groups (P4)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session, func, select

from database.approvals import PolicyHistory
from database.assessments import assessment_of
from database.policies import announced_versions
from database.standings import standings
from database.tables import Account, Policy, PolicyVersion
from domain.account_holders import LeftOut, Status, left_out
from domain.reviews import VersionClass


@dataclass(frozen=True, kw_only=True)
class Group:
    """Accounts for which a version means the same, and who get the same mail.

    `governing` and `accepted` are the numbers of versions; the change is shown from the former.
    """

    governing: int
    accepted: int
    language: str
    kind: str
    asks_approval: bool
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


def preview(session: Session, version: PolicyVersion, at: datetime) -> Preview:
    """Whom a version would address if its audience were frozen at this instant; writes nothing.

    While it has no class it is counted as of class `approval`. An editorial one addresses nobody.
    """
    history = PolicyHistory(session, session.get_one(Policy, version.policy_id))
    counts: Counter[Group] = Counter()
    absent: Counter[LeftOut] = Counter()
    bases: set[int] = set()
    for standing, accounts in standings(session, history, at, version).items():
        asks = bool(standing.asks_approval)
        why = left_out(standing.status, standing.kind, asks_approval=asks)
        if why is not None:
            absent[why] += accounts
            continue
        bases |= {standing.governing, standing.accepted}
        group = Group(
            governing=standing.governing,
            accepted=standing.accepted,
            language=standing.language,
            kind=standing.kind,
            asks_approval=asks,
            addressed=is_addressed(version, asks_approval=asks),
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


def is_addressed(version: PolicyVersion, *, asks_approval: bool) -> bool:
    """Of class `notice` everybody is told, of class `approval` whoever has to approve is asked."""
    told = version.version_class == VersionClass.NOTICE
    return told or (asks_approval and version.version_class != VersionClass.EDITORIAL)

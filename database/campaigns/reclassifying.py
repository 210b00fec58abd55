"""A version was released without asking for approval, which was wrong: two people of legal mend it.

Where a later one is in force that asks for approval, and says the same, it is mended there: whoever
approved that one was shown what it changes, and not what the one before had brought.

From the instant at which the second one agrees the change takes approval (P2): the fold moves back
whoever did not give it, what governed until then stays told, and the owed campaign begins.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlmodel import Session, col, select

from database.campaigns.campaigns import campaign_of
from database.campaigns.controls import Act, ControlRefused, note
from database.campaigns.owed import drop_correction, steps_owed
from database.facts import record
from database.mail.steps import REPLACED
from database.people.staff import require_role
from database.policies.assessments import (
    add_by_legal,
    confirmed_adverse,
    findings_between,
    findings_of,
    is_material_adverse,
    quote_refusal,
)
from database.policies.decisions import decide, identity
from database.policies.found_too_late import HARMLESS, confirm_where_said_before
from database.policies.policies import DRAFT_STATES, previous_version
from database.policies.without_approval import follow
from database.policies.wording import (
    SUMMARY,
    Words,
    keep_words,
    languages_of_accounts,
    require_showable,
    sentences_in,
    summary_in,
    words_there,
)
from database.tables import Campaign, Finding, Policy, PolicyVersion, Reclassification, Review
from database.webhooks.events import tell_in_force
from database.writing import held
from domain.policies.quotes import stands_in
from domain.policies.reviews import TO_COME, FindingStatus, VersionClass, VersionState
from translations.catalogues import for_staff


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """What is found adverse after all: findings by key, and quotes that the engine had missed.

    `words`: what people read of it, by language; a quote's finding has the next free key, F4 after
    F3.
    """

    confirm: Sequence[str] = ()
    add: Sequence[str] = ()
    words: Sequence[Words] = ()


def open_reclassification(session: Session, version_id: UUID) -> Reclassification | None:
    """The proposal that waits for a second person."""
    return session.exec(
        select(Reclassification).where(
            Reclassification.policy_version_id == version_id,
            col(Reclassification.confirmed_at).is_(None),
            col(Reclassification.dropped_at).is_(None),
        )
    ).first()


def open_reclassifications(session: Session) -> Mapping[UUID, Reclassification]:
    """All proposals that wait for a second person, by their version."""
    rows = session.exec(
        select(Reclassification).where(
            col(Reclassification.confirmed_at).is_(None),
            col(Reclassification.dropped_at).is_(None),
        )
    ).all()
    return {row.policy_version_id: row for row in rows}


@dataclass(frozen=True, kw_only=True)
class Missed:
    """What legal may find adverse after all: findings by key with the sentence in each language,
    and the key that words of their own would have.

    `summaries` and `sentences`: what is there for people to read, by language; empty where nobody
    has written it in that one.
    """

    keys: Sequence[str]
    next_key: str
    summaries: Mapping[str, str]
    sentences: Mapping[str, Mapping[str, str]]


def missed(session: Session, version: PolicyVersion, languages: Sequence[str]) -> Missed | None:
    """What could be reclassified of a version; None where it makes no sense."""
    try:
        _require_reclassifiable(session, version)
    except ControlRefused:
        return None
    findings = findings_of(session, version.id)
    brought_before = _brought_before(session, version)
    could_be = [
        each
        for each in findings
        if is_material_adverse(each)
        and each.status != FindingStatus.CONFIRMED
        and (not _asked(version) or brought_before(each))
    ]
    read = languages_of_accounts(session, languages)
    told = {language: sentences_in(session, could_be, language) for language in read}
    there = {
        language: words_there(session, version, language, default=languages[0]) for language in read
    }
    return Missed(
        keys=[each.key for each in could_be],
        next_key=f"F{len(findings) + 1}",
        summaries={
            language: summary_in(session, version, language) if SUMMARY in there[language] else ""
            for language in read
        },
        sentences={
            language: {
                each.key: told[language][each.id] if each.key in there[language] else ""
                for each in could_be
            }
            for language in read
        },
    )


def asked_for_late(session: Session, policy_id: UUID) -> PolicyVersion | None:
    """The version in force, while people are asked for the approval that it had needed."""
    return session.exec(
        select(PolicyVersion)
        .join(Campaign, col(Campaign.policy_version_id) == col(PolicyVersion.id))
        .where(
            PolicyVersion.policy_id == policy_id,
            PolicyVersion.state == VersionState.IN_FORCE,
            col(Campaign.reclassified_id).is_not(None),
            col(Campaign.finished_at).is_(None),
        )
    ).first()


def propose(
    transaction: Session,
    version: PolicyVersion,
    act: Act,
    mistake: Mistake,
    *,
    languages: Sequence[str],
) -> None:
    """Say what is adverse after all; nothing changes until a second person agrees.

    It takes the place of an earlier proposal that nobody confirmed. Raises ControlRefused,
    WordingRefused.
    """
    version = held(transaction, PolicyVersion, version.id)
    _require_reclassifiable(transaction, version)
    findings = {finding.key: finding for finding in findings_of(transaction, version.id)}
    _require_adverse(transaction, version, mistake, findings)
    _require_to_stay_mended(transaction, version, mistake)
    added = [f"F{len(findings) + place}" for place, _ in enumerate(mistake.add, start=1)]
    words = [each.tidy.given for each in mistake.words]
    for each in words:
        require_showable(transaction, version, each, languages, coming=added)
    _require_words(transaction, version, words, [*mistake.confirm, *added], languages)
    earlier = open_reclassification(transaction, version.id)
    if earlier:
        earlier.dropped_at = act.now
        transaction.flush()  # it leaves before the next one comes: only one is open
    transaction.add(
        Reclassification(
            policy_version_id=version.id,
            was=version.version_class or "",
            reason=act.reason,
            content={
                "confirm": list(mistake.confirm),
                "add": list(mistake.add),
                "words": {
                    each.language: {"summary": each.summary, "sentences": dict(each.sentences)}
                    for each in words
                },
            },
            proposed_by=act.staff.id,
            proposed_at=act.now,
        )
    )
    note(transaction, version, "propose_reclassification", act)


def confirm(
    transaction: Session,
    version: PolicyVersion,
    staff_id: UUID,
    now: datetime,
    *,
    asks_until_on: date,
    languages: Sequence[str],
) -> Campaign:
    """A second person of legal agrees: from this instant on the version takes approval.

    `asks_until_on`: the first day until which people may be asked; who stays until a day stays for
    60 days after it at least (P5). Returns the campaign that asks for it. Raises ControlRefused,
    StaffRefused.
    """
    staff = require_role(transaction, staff_id, "legal")
    policy = held(transaction, Policy, version.policy_id)
    version = held(transaction, PolicyVersion, version.id)
    _require_reclassifiable(transaction, version)
    proposed = open_reclassification(transaction, version.id)
    if proposed is None:
        raise ControlRefused("No reclassification of this version is proposed.")
    if proposed.proposed_by == staff.id:
        raise ControlRefused("You proposed it: a second person of legal has to agree.")
    mistake = Mistake(confirm=proposed.content["confirm"], add=proposed.content["add"])
    _require_to_stay_mended(transaction, version, mistake)
    proposed.confirmed_by, proposed.confirmed_at = staff.id, now
    review = _reviewed(transaction, version, proposed, now)
    wrong = _confirm_findings(transaction, version, proposed, review, now)
    for language, said in proposed.content["words"].items():
        words = Words(language=language, summary=said["summary"], sentences=said["sentences"])
        keep_words(
            transaction, version, words, default=languages[0], by=proposed.proposed_by, now=now
        )
    confirm_where_said_before(transaction, version, wrong, review, now)
    version.version_class = VersionClass.APPROVAL
    follow(transaction, version, asks_until_on, now)
    campaign = _ask_again(transaction, version, policy, proposed, now)
    note(transaction, version, "reclassify", Act(staff=staff, reason=proposed.reason, now=now))
    record(
        transaction,
        "policy_version.reclassified",
        version.id,
        now,
        reclassification=proposed.id,
        was=proposed.was,
        proposed_by=proposed.proposed_by,
        confirmed_by=staff.id,
        campaign=campaign.id,
    )
    record(transaction, "notice.up", version.id, now, version_class=version.version_class)
    tell_in_force(transaction, version.id, now)
    return campaign


def _require_reclassifiable(session: Session, version: PolicyVersion) -> None:
    if _asked(version) and all(map(_asked, _moved_to_before(session, version))):
        raise ControlRefused(
            f"Version {version.number} asks for approval already, and a class is never lowered "
            "after the release."
        )
    if version.state != VersionState.IN_FORCE:
        raise ControlRefused(_WHY_NOT.get(VersionState(version.state), _NEVER_IN_FORCE))
    if version.version_class is None or previous_version(session, version) is None:
        raise ControlRefused(
            "No version before this one was released here, so nobody was moved to it from another."
        )


def _asked(version: PolicyVersion) -> bool:
    return version.version_class == VersionClass.APPROVAL


def _moved_to_before(session: Session, version: PolicyVersion) -> Sequence[PolicyVersion]:
    """The earlier versions that were released here, and to which people were moved from another."""
    in_force = session.exec(
        select(PolicyVersion)
        .where(
            PolicyVersion.policy_id == version.policy_id,
            PolicyVersion.number < version.number,
            col(PolicyVersion.in_force_at).is_not(None),
        )
        .order_by(col(PolicyVersion.number))
    ).all()
    return [each for each in in_force[1:] if each.version_class is not None]


def _brought_before(session: Session, version: PolicyVersion) -> Callable[[Finding], bool]:
    """Of a finding of a version, whether an earlier one brought it, so that it does not show in
    what this one changes."""
    previous = previous_version(session, version)
    step = findings_between(session, previous.id, version.id) if previous else ()
    keys = {finding.key for finding in step}
    return lambda finding: finding.key not in keys


def _require_adverse(
    session: Session,
    version: PolicyVersion,
    mistake: Mistake,
    findings: Mapping[str, Finding],
) -> None:
    """There is something to confirm, and it is what takes approval."""
    if not (mistake.confirm or mistake.add):
        raise ControlRefused("Say what is adverse: a finding to confirm, or words to add.")
    if unknown := [key for key in mistake.confirm if key not in findings]:
        known = ", ".join(findings) or "none"
        raise ControlRefused(f"There is no finding {', '.join(unknown)}; there are {known}.")
    for key in mistake.confirm:
        if findings[key].status == FindingStatus.CONFIRMED:
            raise ControlRefused(
                f"{key} is confirmed already. If no law requires it after all, add its words as a "
                "finding of your own."
            )
        if not is_material_adverse(findings[key]):
            raise ControlRefused(
                f"{key} is {findings[key].direction}: confirming it asks nobody for approval. Add "
                "the words that are adverse, as a finding of your own."
            )
    for quote in mistake.add:
        if refusal := quote_refusal(session, version, quote):
            raise ControlRefused(refusal)
    if _asked(version):
        _require_brought_before(session, version, mistake, findings)


def _require_brought_before(
    session: Session,
    version: PolicyVersion,
    mistake: Mistake,
    findings: Mapping[str, Finding],
) -> None:
    """Of a version that asks: what it changes itself governs nobody who did not approve it."""
    previous, brought_before = previous_version(session, version), _brought_before(session, version)
    own = [key for key in mistake.confirm if not brought_before(findings[key])]
    own += [
        f"“{quote}”"
        for quote in mistake.add
        if previous and stands_in(quote, version.text) != stands_in(quote, previous.text)
    ]
    if own:
        raise ControlRefused(
            f"Version {version.number} asks for approval already, and {', '.join(own)} is what it "
            "changes itself: it governs nobody who did not approve it. What its mails left out is "
            "put right by a correction of its campaign. Nothing was changed."
        )


def _require_to_stay_mended(session: Session, version: PolicyVersion, mistake: Mistake) -> None:
    """No later version on its way says the same as something that harms nobody: on its day it would
    bring the change back to people who never approved it. None is announced to people from a text
    from which they fall back (P6)."""
    wrong = {
        identity(finding)
        for finding in findings_of(session, version.id)
        if finding.key in mistake.confirm
    }
    for later in _on_their_way(session, version):
        findings = findings_of(session, later.id)
        taken_for_harmless = any(
            identity(finding) in wrong and finding.status in HARMLESS for finding in findings
        )
        asks_anyway = any(map(confirmed_adverse, findings))
        unseen = [quote for quote in mistake.add if stands_in(quote, later.text)]
        if taken_for_harmless or (unseen and not asks_anyway):
            rid = "Withdraw" if later.state in TO_COME else "Reject"
            raise ControlRefused(
                f"Version {later.number} is on its way and says the same, as something that takes "
                f"no approval: on its day it would bring the change back. {rid} it first. Handed "
                "in again afterwards, it takes over what you find here. Nothing was changed."
            )
        if later.state in TO_COME and later.version_class != VersionClass.EDITORIAL:
            raise ControlRefused(
                f"Version {later.number} is announced, and people were told what it changes from "
                f"version {version.number}: whoever falls back would approve a change that is not "
                f"theirs. Withdraw version {later.number} first. Handed in again afterwards, it is "
                "shown to each from their own version. Nothing was changed."
            )


def _on_their_way(session: Session, version: PolicyVersion) -> Sequence[PolicyVersion]:
    return session.exec(
        select(PolicyVersion)
        .where(
            PolicyVersion.policy_id == version.policy_id,
            PolicyVersion.number > version.number,
            col(PolicyVersion.state).in_((*DRAFT_STATES, *TO_COME)),
        )
        .order_by(col(PolicyVersion.number))
    ).all()


def _require_words(
    session: Session,
    version: PolicyVersion,
    words: Sequence[Words],
    keys: Sequence[str],
    languages: Sequence[str],
) -> None:
    """People are asked in their language: what they read is there before it is proposed."""
    given = {each.language: each for each in words}
    for language in languages_of_accounts(session, languages):
        there = words_there(session, version, language, default=languages[0])
        new = given.get(language, Words(language=language))
        known = {*there, *new.sentences, *([SUMMARY] if new.summary else [])}
        if missing := [of for of in (SUMMARY, *keys) if of not in known]:
            raise ControlRefused(
                f"Account holders read {for_staff(language)}, and are asked in it. Missing in it, "
                f"in plain words: {'; '.join(missing)}. Nothing was stored."
            )


def _reviewed(
    transaction: Session, version: PolicyVersion, proposed: Reclassification, now: datetime
) -> Review:
    review = Review(
        policy_version_id=version.id,
        reviewer_id=proposed.proposed_by,
        version_class=VersionClass.APPROVAL,
        reason=proposed.reason,
        content={"confirm": proposed.content["confirm"], "dismiss": [], "add": []},
        reviewed_at=proposed.proposed_at,
        recorded_at=now,
    )
    transaction.add(review)
    transaction.flush()
    return review


def _confirm_findings(
    transaction: Session,
    version: PolicyVersion,
    proposed: Reclassification,
    review: Review,
    now: datetime,
) -> Sequence[Finding]:
    known = {finding.key: finding for finding in findings_of(transaction, version.id)}
    wrong = [known[key] for key in proposed.content["confirm"]]
    wrong += [
        add_by_legal(transaction, version, quote, proposed.proposed_by)
        for quote in proposed.content["add"]
    ]
    for finding in wrong:
        finding.reclassified_id = proposed.id
        decide(transaction, finding, FindingStatus.CONFIRMED, review, now)
    transaction.flush()
    return wrong


def _ask_again(
    transaction: Session,
    version: PolicyVersion,
    policy: Policy,
    proposed: Reclassification,
    now: datetime,
) -> Campaign:
    """Open the campaign that is owed; one that only told people gives way to it."""
    earlier = campaign_of(transaction, version.id)
    if earlier is not None:
        earlier = held(transaction, Campaign, earlier.id)
        if earlier.finished_at is None and steps_owed(transaction, earlier):
            raise ControlRefused(
                "The campaign of this version owes people word: that a mail was wrong, or that "
                "it comes later. Agree once that has gone out: its page shows it. Nothing was "
                "changed."
            )
        if earlier.finished_at is None:
            earlier.state, earlier.finished_at = REPLACED, now
        drop_correction(transaction, earlier, now)
    campaign = Campaign(
        policy_version_id=version.id,
        owner_id=policy.owner_id,
        started_at=now,
        generation=earlier.generation + 1 if earlier else 1,
        reclassified_id=proposed.id,
    )
    transaction.add(campaign)
    record(transaction, "campaign.opened", campaign.id, now, version=version.id)
    return campaign


_NEVER_IN_FORCE = (
    "This version never governed anybody, so nobody is governed by it in error. While it is in "
    "review, give it its class by a review."
)
_WHY_NOT = {
    VersionState.ANNOUNCED: (
        "This version is announced and governs nobody yet, so nobody is governed by it in error. "
        "Withdraw it, which tells whoever was mailed, and hand it in again to give it its class."
    ),
    VersionState.POSTPONED: (
        "This version is postponed and governs nobody yet, so nobody is governed by it in error. "
        "Withdraw it, which tells whoever was mailed, and hand it in again to give it its class."
    ),
    VersionState.SUPERSEDED: (
        "A later version has followed this one, and is what governs people now. If that one has "
        "the same words, reclassify it."
    ),
    VersionState.WITHDRAWN: "This version was withdrawn: it never governed anybody.",
    VersionState.REPLACED: "Another version took this one's place: it never governed anybody.",
}

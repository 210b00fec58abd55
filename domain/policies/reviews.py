"""What legal may decide about a policy version, and who may decide it (P2). Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from enum import StrEnum
from uuid import UUID


class VersionState(StrEnum):
    """Where a policy version stands.

    One that is postponed was announced, and the day of its effect is open (P8).
    """

    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    ANNOUNCED = "announced"
    POSTPONED = "postponed"
    IN_FORCE = "in_force"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"


TO_COME = (VersionState.ANNOUNCED, VersionState.POSTPONED)
"""People know of it, and it is not in force yet. At most one version of a policy is."""
DECIDED = (
    VersionState.IN_FORCE,
    VersionState.SUPERSEDED,
    VersionState.REJECTED,
    VersionState.REPLACED,
    VersionState.WITHDRAWN,
)
"""Nothing of it is left to review or to release, and its workflow has ended."""


class VersionClass(StrEnum):
    """What a version asks of account holders: nothing, to be told, or to approve."""

    EDITORIAL = "editorial"
    NOTICE = "notice"
    APPROVAL = "approval"


class FindingStatus(StrEnum):
    """How legal stands to a finding."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    DISMISSAL_PROPOSED = "dismissal_proposed"
    DISMISSED = "dismissed"
    NOTED = "noted"


class Decisions(StrEnum):
    """What becomes of the decisions that people took on a mail that was wrong (P8)."""

    KEEP = "keep"
    VOID = "void"


BY_LEGAL = "legal"
"""The rule of findings that legal added: the engine had missed them."""
UNDECIDED = (FindingStatus.OPEN, FindingStatus.DISMISSAL_PROPOSED)


@dataclass(frozen=True, kw_only=True)
class FindingUnderReview:
    """A finding as a reviewer meets it. `in_step` says that the change from the previous
    version shows it, and not only the change from some older one. `law_cited_by`: who of legal said
    that a law requires the change; `law_agreed`: a second person said so too (P5)."""

    key: str
    status: FindingStatus
    material_adverse: bool
    in_step: bool
    dismissal_proposed_by: UUID | None = None
    takes_consent: bool = False
    law_cited_by: UUID | None = None
    law_agreed: bool = False


@dataclass(frozen=True, kw_only=True)
class VersionUnderReview:
    """All that a review is judged by: ids and states, nothing personal."""

    state: VersionState
    submitted_by: UUID
    version_class: VersionClass | None
    released: bool = False
    findings: tuple[FindingUnderReview, ...]


OF_LAW = "-law"
"""What the key of a finding ends with where the words about its law are meant."""


@dataclass(frozen=True, kw_only=True)
class MissingWords:
    """What nobody wrote yet in a language that account holders read: the policy's title, the
    summary, sentences. `language` as staff read it."""

    language: str
    title: bool = False
    summary: bool
    findings: tuple[str, ...]

    def __str__(self) -> str:
        laws = [key.removesuffix(OF_LAW) for key in self.findings if key.endswith(OF_LAW)]
        others = [key for key in self.findings if not key.endswith(OF_LAW)]
        sentences = f"the sentence{'s' * (len(others) > 1)} of {', '.join(others)}"
        parts = ["the policy's title"] * self.title + ["the summary"] * self.summary
        parts += [sentences] * bool(others)
        parts += [f"what people are told of the law that requires {key}" for key in laws]
        return f"in {self.language} {' and '.join(parts)}"


class Rehearsed(StrEnum):
    """Whether somebody of legal had the test mails of a version as it is now."""

    NO = "no"
    UNDER_WAY = "under way"
    YES = "yes"


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """What has to be there before people hear of a version. It changes without a review, so only
    the database knows it."""

    missing_words: tuple[MissingWords, ...] = ()
    rehearsed: Rehearsed = Rehearsed.YES


PREPARED = Preparation()


@dataclass(frozen=True, kw_only=True)
class ReviewRequest:
    """What one reviewer wants to decide. `additions` counts findings of their own; `consent` has
    the findings of which they say whether they take each person's own consent (P5), `law_cited`
    those for which they cite a law that requires the change, `law_agreed` those for which they
    agree to the law that was cited, `law_dropped` those that no law requires after all."""

    review_id: UUID
    reviewer_id: UUID
    confirm: tuple[str, ...] = ()
    dismiss: tuple[str, ...] = ()
    additions: int = 0
    version_class: VersionClass | None = None
    consent: tuple[str, ...] = ()
    law_cited: tuple[str, ...] = ()
    law_agreed: tuple[str, ...] = ()
    law_dropped: tuple[str, ...] = ()

    @property
    def about_law(self) -> tuple[str, ...]:
        """The findings of which they say whether a law requires the change."""
        return (*self.law_cited, *self.law_agreed, *self.law_dropped)


@dataclass(frozen=True, kw_only=True)
class DecidedBefore:
    """What legal decided of the same finding when an earlier version had it."""

    status: FindingStatus
    number: int
    by: tuple[str, ...]
    at: datetime
    reasons: tuple[str, ...]

    def words(self, zone: tzinfo) -> str:
        """The sentence for a colleague who meets it again."""
        day = self.at.astimezone(zone)
        return (
            f"{self.status.capitalize()} before, in version {self.number}, by "
            f"{' and '.join(self.by)} on {day.day} {day:%B %Y}: {'; '.join(self.reasons)}"
        )


def needs_legal(direction: str) -> bool:
    """Whether a finding of this direction must be decided by a person (contract)."""
    return direction in ("adverse", "unclear")


def lowest_class(version: VersionUnderReview) -> VersionClass:
    """The lowest class that the confirmed findings allow; people may only raise it.

    What a law requires asks for no approval, and everybody is told of it (P5).
    """
    adverse = _adverse_in_step(version)
    if not all(finding.law_agreed for finding in adverse):
        return VersionClass.APPROVAL
    return VersionClass.NOTICE if adverse else VersionClass.EDITORIAL


def _adverse_in_step(version: VersionUnderReview) -> list[FindingUnderReview]:
    return [
        finding
        for finding in version.findings
        if finding.material_adverse
        and finding.in_step
        and finding.status is FindingStatus.CONFIRMED
    ]


def _lowest_after(version: VersionUnderReview, review: ReviewRequest) -> VersionClass:
    """The lowest class once a review took effect."""
    if review.additions:
        return VersionClass.APPROVAL
    findings = tuple(_after(finding, review) for finding in version.findings)
    return lowest_class(replace(version, findings=findings))


def _after(finding: FindingUnderReview, review: ReviewRequest) -> FindingUnderReview:
    key = finding.key
    kept = finding.law_agreed and key not in (*review.law_cited, *review.law_dropped)
    return replace(
        finding,
        status=FindingStatus.CONFIRMED if key in review.confirm else finding.status,
        law_agreed=kept or key in review.law_agreed,
    )


def review_refusal(version: VersionUnderReview, review: ReviewRequest) -> str | None:
    """The sentence why this review cannot stand, or None when it can."""
    if version.state is not VersionState.IN_REVIEW:
        return f"This version is {_words(version.state)}; only one in review can be reviewed."
    if version.released:
        return "This version is released already; it can be reviewed no more."
    known = {finding.key: finding for finding in version.findings}
    named = {*review.confirm, *review.dismiss, *review.consent, *review.about_law}
    unknown = sorted(named - known.keys())
    if unknown:
        return f"There is no finding {', '.join(unknown)}; there are {', '.join(known) or 'none'}."
    both = sorted(set(review.confirm) & set(review.dismiss))
    if both:
        return f"{', '.join(both)} cannot be confirmed and dismissed in one review."
    acts = review.confirm or review.additions or review.version_class or review.consent
    if acts and review.reviewer_id == version.submitted_by:
        return "Findings and class are for someone other than the person who submitted the version."
    return (
        _each_refusal(known, review)
        or _law_refusal(version, known, review)
        or _class_refusal(version, review)
    )


def _each_refusal(known: Mapping[str, FindingUnderReview], review: ReviewRequest) -> str | None:
    for key in review.consent:
        confirmed = known[key].status is FindingStatus.CONFIRMED or key in review.confirm
        if not confirmed or key in review.dismiss:
            return f"{key} is not confirmed: only a confirmed change can take consent of its own."
    for key in review.dismiss:
        if known[key].status is FindingStatus.DISMISSED:
            return f"{key} is dismissed already."
        if known[key].dismissal_proposed_by == review.reviewer_id:
            return f"You proposed to dismiss {key}; it takes a second person to agree."
    return None


def _law_refusal(
    version: VersionUnderReview, known: Mapping[str, FindingUnderReview], review: ReviewRequest
) -> str | None:
    """One cites the law, another agrees, and whoever agrees did not submit the version (P5)."""
    for key in (*review.law_cited, *review.law_agreed):
        if refusal := _needs_no_law(known[key], review):
            return refusal
    for key in review.law_agreed:
        finding = known[key]
        if key in (*review.law_cited, *review.law_dropped):
            return f"The law that requires {key} cannot be changed and agreed to in one review."
        if finding.law_cited_by is None:
            return f"Nobody has cited a law that requires {key}."
        if finding.law_agreed:
            return f"A second person agreed already to the law that is cited for {key}."
        if finding.law_cited_by == review.reviewer_id:
            return f"You cited the law that requires {key}; it takes a second person to agree."
        if version.submitted_by == review.reviewer_id:
            return (
                f"You submitted this version: somebody else of legal has to agree that a law "
                f"requires {key}. Cite it yourself, and let the person who cited it agree."
            )
    if uncited := [key for key in review.law_dropped if known[key].law_cited_by is None]:
        return f"No law is cited for {', '.join(uncited)}."
    return None


def _needs_no_law(finding: FindingUnderReview, review: ReviewRequest) -> str | None:
    key = finding.key
    confirmed = finding.status is FindingStatus.CONFIRMED or key in review.confirm
    if not (confirmed and finding.material_adverse) or key in review.dismiss:
        return (
            f"{key} is not confirmed as material and adverse: only such a change needs a law "
            "that requires it."
        )
    if not finding.in_step:
        return (
            f"{key} is no change of this version: whoever has an older text is asked about it. A "
            "law is cited for the version that makes the change."
        )
    return None


def _class_refusal(version: VersionUnderReview, review: ReviewRequest) -> str | None:
    wanted = review.version_class or version.version_class
    lowest = _lowest_after(version, review)
    if wanted is None or _RANK.index(wanted) >= _RANK.index(lowest):
        return None
    if lowest is VersionClass.NOTICE:
        return f"{_EVERYBODY_IS_TOLD}: the class cannot be {wanted}."
    if waiting := _waits_for_agreement(version, review):
        return (
            f"A second person has to agree first that a law requires {', '.join(waiting)}: until "
            f"then the class cannot be {wanted}. Cite the law without giving the class, and give "
            "it once a colleague agreed."
        )
    return (
        f"A confirmed material adverse change needs the account holders' approval: "
        f"the class cannot be {wanted}."
    )


def _waits_for_agreement(version: VersionUnderReview, review: ReviewRequest) -> list[str]:
    """The findings whose laws would allow the class `notice`, had a second person agreed to them;
    none where something else asks for approval."""
    findings = tuple(_after(finding, review) for finding in version.findings)
    asked = [
        finding
        for finding in _adverse_in_step(replace(version, findings=findings))
        if not finding.law_agreed
    ]
    cited = [
        finding.key
        for finding in asked
        if finding.key in review.law_cited
        or (finding.law_cited_by and finding.key not in review.law_dropped)
    ]
    is_all = len(cited) == len(asked) and not review.additions
    return cited if is_all and review.version_class is VersionClass.NOTICE else []


def decided_refusal(state: VersionState) -> str | None:
    """The sentence why nobody reviews or releases a version any more, or None."""
    if state not in DECIDED:
        return None
    return f"This version is {_words(state)}: there is nothing left to review or to release."


def release_refusal(
    version: VersionUnderReview, releaser_id: UUID, preparation: Preparation = PREPARED
) -> str | None:
    """The sentence why this version cannot be released by this person, or None."""
    return next(release_refusals(version, releaser_id, preparation), None)


def release_refusals(
    version: VersionUnderReview, releaser_id: UUID, preparation: Preparation = PREPARED
) -> Iterator[str]:
    """Every sentence why this version cannot be released by this person: what is to be seen to
    first comes first. Whether the class fits is said once all is decided that it follows from."""
    if version.state is not VersionState.IN_REVIEW:
        yield f"This version is {_words(version.state)}; only one in review can be released."
        return
    if releaser_id == version.submitted_by:
        yield "One person alone cannot submit and release: a colleague of yours has to release it."
    undecided = [finding.key for finding in version.findings if finding.status in UNDECIDED]
    if undecided:
        yield f"Not decided yet: {', '.join(undecided)}. Confirm or dismiss them first."
    of_laws = list(_law_release_refusals(version))
    yield from of_laws
    if version.version_class is None:
        yield "Nobody has given this version its class yet (editorial, notice or approval)."
    elif not (undecided or of_laws) and (refusal := _unfit(version, version.version_class)):
        yield refusal
    yield from _preparation_refusals(version, preparation)


def _unfit(version: VersionUnderReview, given: VersionClass) -> str | None:
    """Why the class that was given is not the one that the confirmed findings ask for."""
    lowest = lowest_class(version)
    if _RANK.index(given) < _RANK.index(lowest):
        if lowest is VersionClass.NOTICE:
            return f"{_EVERYBODY_IS_TOLD}, so the class has to be notice."
        return "A material adverse change is confirmed, so the class has to be approval."
    if given is VersionClass.APPROVAL and lowest is VersionClass.NOTICE:
        return (
            "All that would need approval is required by law: it applies to everybody, and nobody "
            "is asked. Give the class notice, or take the citations away."
        )
    if given is VersionClass.APPROVAL and lowest is VersionClass.EDITORIAL:
        return (
            "The class is approval, but no finding is confirmed: account holders would not be told "
            "what to approve. Confirm a finding or add one of your own."
        )
    return None


def _law_release_refusals(version: VersionUnderReview) -> Iterator[str]:
    """What is still open about the laws that were cited, or does not go together (P5)."""
    confirmed = [each for each in version.findings if each.status is FindingStatus.CONFIRMED]
    waiting = [each.key for each in confirmed if each.law_cited_by and not each.law_agreed]
    if waiting:
        yield (
            f"A law is cited for {', '.join(waiting)}, and no second person agreed yet. Agree, or "
            "take the citation away."
        )
    chosen = [each.key for each in confirmed if each.law_agreed and each.takes_consent]
    if chosen:
        yield (
            f"{', '.join(chosen)} takes each person's own consent, and is cited as required by "
            "law: nobody has to consent to what applies to everybody. Take one of the two away."
        )
    step = _adverse_in_step(version)
    required = [each.key for each in step if each.law_agreed]
    asked = [each.key for each in step if not (each.law_agreed or each.key in waiting)]
    if required and asked:
        yield (
            f"A law requires {', '.join(required)} and not {', '.join(asked)}, and nobody is "
            "governed by half a version. Hand in what the law requires as a version of its own, "
            f"and the rest as a later one; or take the citation of {', '.join(required)} away, "
            "and all of it waits for approval."
        )


def _preparation_refusals(version: VersionUnderReview, preparation: Preparation) -> Iterator[str]:
    """What has to be done before people hear of a version; of an editorial one nobody gets a
    mail."""
    if version.version_class is VersionClass.EDITORIAL:
        return
    if preparation.missing_words:
        missing = "; ".join(map(str, preparation.missing_words))
        yield f"People would not be told in their language what changes. Missing: {missing}."
    if preparation.rehearsed is Rehearsed.UNDER_WAY:
        yield "The test mail is on its way. Read it when it comes, then release the version."
    if preparation.rehearsed is Rehearsed.NO:
        yield (
            "Nobody has had a test mail of this version as it is now: class, findings and words. "
            "Send one to yourself and read it before everybody gets theirs."
        )


def rejection_refusal(version: VersionUnderReview) -> str | None:
    """The sentence why this version cannot be rejected any more, or None."""
    if version.state is VersionState.IN_REVIEW and not version.released:
        return None
    words = "released" if version.released else _words(version.state)
    return f"This version is {words}; only one in review can be rejected."


_RANK = list(VersionClass)
_EVERYBODY_IS_TOLD = "A change to people's disadvantage that a law requires is told to everybody"


def _words(state: VersionState) -> str:
    return state.value.replace("_", " ")

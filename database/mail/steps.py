"""What a campaign mails: the steps by which its mails are told apart, and its own states."""

from domain.rungs import RungKind

RUNNING, PAUSED, FINISHED = "running", "paused", "finished"
WITHDRAWN, REPLACED = "withdrawn", "replaced"
CALLED_OFF = (WITHDRAWN, REPLACED)
FIRST_NOTICE = "first_notice"
POSTPONEMENT, CORRECTION, WITHDRAWAL = "postponement_", "correction_", "withdrawal"
"""What people hear besides: of the first two there may be several, which are numbered."""
STOPPED = "stopped_"
"""Steps that tell a campaign's owner of a stop by the machine: the first, the second ..."""
TO_LEGAL = "escalation_legal"
"""The step that tells legal who stays silent, and those that follow when the date moves later."""
OWNERS_REPORT = "finished"
"""The step that tells a campaign's owner what it came to."""
GOT_BY_NOBODY = ("bounced", "dropped", "complained", "rejected", "suppressed", "no_address")
WITHOUT_MAIL = (*GOT_BY_NOBODY, "cancelled")
DOUBTFUL = ("operator", "unknown")
"""Of these ops decide: somebody may have the mail."""
UNDELIVERABLE = (*WITHOUT_MAIL, *DOUBTFUL)


def notice_template(
    step: str, *, asks_approval: bool = False, by_law: bool = False, minor: bool = False
) -> str:
    """Which mail a step of a campaign sends to an account holder. `minor`: to one whom it does not
    govern, and who cannot approve."""
    if step == WITHDRAWAL:
        return "change_withdrawn"
    if step.startswith(POSTPONEMENT):
        return "change_postponed"
    if step.startswith(CORRECTION):
        return "change_corrected"
    if minor:
        return "minor_first_notice"
    if not asks_approval:
        return "law_first_notice" if by_law else "notice_first_notice"
    return "approval_first_notice" if step == FIRST_NOTICE else "approval_reminder"


def is_reminder(step: str) -> bool:
    """Whether a step is a courtesy: without it nobody misses anything they were owed."""
    return step.startswith(RungKind.REMINDER)

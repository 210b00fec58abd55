"""What Petra answers, again and again: in full, or a refusal of a copy or of an erasure."""

from dataclasses import replace

from database.requests.answering import Answer
from domain.requests.data_subject_requests import Ground, Outcome

IN_FULL = Answer(
    outcome=Outcome.FULFILLED,
    explanation="Here is what we hold.",
    evidence="handed over at the counter",
)
REFUSAL = Answer(
    outcome=Outcome.REFUSED,
    ground=Ground.RIGHTS_OF_OTHERS,
    explanation="The recording shows only other people.",
    evidence="recording 7, watched on Monday",
)
INVOICES = Answer(
    outcome=Outcome.PARTIAL,
    ground=Ground.REGULATORY_OBLIGATION,
    explanation="We erased all but your invoices, which the law has us keep for ten years.",
    evidence="German Commercial Code, section 257",
)
NOTHING_ERASED = replace(INVOICES, outcome=Outcome.REFUSED, explanation="A law has us keep it all.")

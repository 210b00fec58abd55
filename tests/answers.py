"""What Petra answers to a request, again and again: in full, or a refusal on a ground."""

from database.request_answers import Answer
from domain.data_subject_requests import Ground, Outcome

IN_FULL = Answer(outcome=Outcome.FULFILLED, explanation="Here is what we hold.")
REFUSAL = Answer(
    outcome=Outcome.REFUSED,
    ground=Ground.RIGHTS_OF_OTHERS,
    explanation="The recording shows only other people.",
    evidence="recording 7, watched on Monday",
)

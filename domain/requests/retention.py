"""For how long requests are kept, by class of data (P33)."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, kw_only=True)
class RequestPeriods:
    """Counted from the answer. Evidence of who asks goes with the answer itself.

    `until_closed`: the answer can be appealed against; then what showed that somebody may ask for
    another goes, and so do attachments. `until_purged`: what was asked and answered, names and
    addresses are kept, as proof that it was; then a skeleton stays, of instants, kinds and ends.
    What controllers told us (P24) is kept as long, from when it was carried out or refused.
    """

    until_closed: timedelta
    until_purged: timedelta

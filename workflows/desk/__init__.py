"""What people ask of us, wherever they ask: the website and the command line both come here.

Each act is written to the database first, and the workflow concerned is started or told
afterwards. When Temporal does not answer, nothing is lost: the watchdog starts what is missing.
"""

from datetime import timedelta

from workflows.desk.campaigns import Campaigns
from workflows.desk.data_corrections import DataCorrections
from workflows.desk.disputes import Disputes
from workflows.desk.erasures import Erasures
from workflows.desk.holds import Holds
from workflows.desk.instructions import Instructions
from workflows.desk.minors import Minors
from workflows.desk.packages import Packages
from workflows.desk.part import NoticePeriods
from workflows.desk.reception import ByKey, Receipt, Reception
from workflows.desk.requests import Requests
from workflows.desk.restrictions import Restrictions
from workflows.desk.versions import NewVersion, Versions

__all__ = ["ByKey", "Desk", "NewVersion", "NoticePeriods", "Receipt"]


class Desk(
    Versions,
    Campaigns,
    Minors,
    Disputes,
    Reception,
    Requests,
    DataCorrections,
    Erasures,
    Instructions,
    Restrictions,
    Holds,
    Packages,
):
    """Takes in what staff and people ask for. Every method may be called from any thread."""

    def advance(self, period: timedelta) -> int:
        """Move the development clock and every running workflow forward, a day at a time.

        Returns how many workflows were moved. Raises as `pass_time` does.
        """
        return self._messenger.advance(period)

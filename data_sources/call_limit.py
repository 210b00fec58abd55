"""A limit on a whole HTTP call: that of a socket alone begins anew with each byte that comes."""

from socket import SHUT_RDWR, socket
from threading import Timer

import urllib3
from urllib3 import HTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection


class _Limited(HTTPConnection):
    """Ends as long after it began as may pass until it stands. Whoever reads headers or body then
    comes to an end that was not said."""

    _limit: tuple[Timer, socket] | None = None

    def _new_conn(self) -> socket:
        made = super()._new_conn()
        ours = made.dup()  # TLS takes the other one over
        timer = Timer(float(self.timeout or 0), _cut, [ours])
        timer.daemon = True
        timer.start()
        self._limit = timer, ours
        return made

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as its own base
        """Wait for the headers. Where the other side says that it ends with its answer, this closes
        itself before the body is read, which keeps its limit."""
        limit, self._limit = self._limit, None
        try:
            return super().getresponse()
        finally:
            self._limit = limit

    def close(self) -> None:
        """Close it; it needs no limit any more."""
        if self._limit is not None:
            timer, ours = self._limit
            timer.cancel()
            ours.close()
            self._limit = None
        super().close()


class _LimitedTls(_Limited, HTTPSConnection):
    """The same over TLS."""


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Limited


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _LimitedTls


def limited_calls() -> urllib3.PoolManager:
    """Connections on which a call is over when its `timeout`, in seconds, is."""
    manager = urllib3.PoolManager()
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
    return manager


def _cut(connected: socket) -> None:
    try:
        connected.shutdown(SHUT_RDWR)
    except OSError:
        return  # it is over already

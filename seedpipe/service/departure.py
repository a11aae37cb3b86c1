"""`Departure`: whether anything of a request has left this machine."""

from collections.abc import Callable, Mapping
from typing import Any, Final

_FIRST_BYTE: Final = "http11.send_request_headers.started"  # httpcore says so just before it writes


class Departure:
    """The trace of one POST. Until `has_left`, whatever goes wrong is known to be free.

    `leaving` is called once, before the first byte is written; never for the greeting of a proxy or of TLS.
    """

    def __init__(self, leaving: Callable[[], None]) -> None:
        self.has_left = False
        self._leaving = leaving

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """What httpx takes as the request extension `trace`."""
        if event == _FIRST_BYTE and info["request"].method == b"POST" and not self.has_left:
            self.has_left = True
            self._leaving()

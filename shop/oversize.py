"""Requests whose body is too large: read to their end, since a browser that is cut off while it
sends shows an error of its own instead of the answer, but kept nowhere."""

from io import BytesIO
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.receiver import FixedStreamReceiver
from waitress.utilities import RequestEntityTooLarge


class Nowhere(BytesIO):
    """In the place of waitress's buffers, which spill to disk."""

    def append(self, data: bytes) -> None:
        pass

    def getfile(self) -> BytesIO:
        return self


class Parser(HTTPRequestParser):
    """Hands on a request that is too large with its true Content-Length and an empty body."""

    error: Any
    body_rcv: Any

    def received(self, data: bytes) -> int:
        consumed: int = super().received(data)
        if isinstance(self.error, RequestEntityTooLarge) and not self.chunked:
            if not isinstance(self.body_rcv.getbuf(), Nowhere):
                self.body_rcv = FixedStreamReceiver(self.content_length, Nowhere())
            self.error = None
            self.completed = self.body_rcv.completed
        return consumed


class Channel(HTTPChannel):
    parser_class = Parser

"""A recorder on loopback between a client and a server: what passes is written down, byte for byte."""

import contextlib
import socket
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.support.wire import Seen


@dataclass
class Recorder:
    """Hands each request on to `port` of this machine, unchanged but for `Connection: close`."""

    port: int
    requests: list[Seen] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)  # whole, heads included, in the order of their ends

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.origin = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(timeout=5)

    def wait(self) -> None:
        """Until every request has its answer written down: a client may be done a moment earlier."""
        deadline = time.monotonic() + 10
        while len(self.answers) < len(self.requests):
            assert time.monotonic() < deadline, "an answer is missing"
            time.sleep(0.005)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(30)
            head, body = _read(connection)
            if not head:
                return
            first, *lines = head.decode("latin-1").split("\r\n")
            method, target, _ = first.split(" ", 2)
            pairs = [line.partition(":") for line in lines]
            headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
            self.requests.append(Seen(method=method, target=target, headers=headers, body=body))
            kept = [line for line in lines if not line.lower().startswith("connection:")]
            with socket.create_connection(("127.0.0.1", self.port), timeout=30) as server:
                server.sendall("\r\n".join([first, *kept, "Connection: close", "", ""]).encode("latin-1") + body)
                answer = b""
                while part := server.recv(65536):
                    answer += part
                    with contextlib.suppress(OSError):  # a client that has what it wants may be gone by the last bytes
                        connection.sendall(part)
            self.answers.append(answer)


def _read(connection: socket.socket) -> tuple[bytes, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return b"", b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head, body

"""A tiny scripted HTTP server on real sockets: answers raw bytes, drips, hangs, cuts. It knows nothing of the service.

    with WireServer() as server:
        server.on("/v1/models", answer(200, b"{}"))
        server.on("/slow", [b"HTTP/1.1 200 OK\\r\\n\\r\\n", Pause(1), b"late"])

The last script of a path repeats; `server.requests` holds every request that arrived, complete.
"""

import socket
import ssl
import struct
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Pause:
    seconds: float


@dataclass(frozen=True)
class Until:
    """Say nothing more before the test has set this."""

    told: threading.Event


@dataclass(frozen=True)
class Reset:
    """Break the connection off with a TCP reset."""


@dataclass(frozen=True)
class Hang:
    """Say nothing more until the server is closed, or the client leaves."""


@dataclass(frozen=True)
class Forever:
    """The same bytes again and again, until the client leaves or `limit` bytes are sent."""

    data: bytes
    limit: int = 1 << 30


Step = bytes | Pause | Until | Reset | Hang | Forever
Script = Sequence[Step] | bytes


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes


def answer(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """A whole, well-formed answer."""
    reason = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Status"
    lines = [f"HTTP/1.1 {status} {reason}", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass
class WireServer:
    """Listens on 127.0.0.1, a thread for each connection, one request on each."""

    tls: ssl.SSLContext | None = None
    requests: list[Seen] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> Self:
        self._scripts: dict[str, list[Script]] = {}
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(timeout=5)

    @property
    def url(self) -> str:
        scheme = "http" if self.tls is None else "https"
        return f"{scheme}://127.0.0.1:{self.port}"

    def on(self, path: str, *scripts: Script) -> None:
        """What is said on a path (without the query): one script a request, the last for all further ones."""
        self._scripts[path] = list(scripts)

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        self.connections += 1
        try:
            connection.settimeout(10)
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
            seen = _read_request(connection)
            if seen is None:
                return
            for step in self._next_script(seen):
                self._play(connection, step)
        except OSError:
            return  # the client left
        finally:
            connection.close()

    def _next_script(self, seen: Seen) -> Sequence[Step]:
        path = seen.target.partition("?")[0]
        with self._lock:
            self.requests.append(seen)
            scripts = self._scripts.get(path, [answer(404)])
            script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
        return [script] if isinstance(script, bytes) else script

    def _play(self, connection: socket.socket, step: Step) -> None:
        match step:
            case bytes():
                connection.sendall(step)
            case Pause():
                self._closing.wait(step.seconds)
            case Until():
                step.told.wait(30)
            case Forever():
                sent = 0
                while sent < step.limit and not self._closing.is_set():
                    connection.sendall(step.data)
                    sent += len(step.data)
            case Hang():
                _wait_for_goodbye(connection, self._closing)
            case Reset():
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()


def _wait_for_goodbye(connection: socket.socket, closing: threading.Event) -> None:
    connection.settimeout(0.05)
    deadline = time.monotonic() + 30
    while not closing.is_set() and time.monotonic() < deadline:
        try:
            if connection.recv(1024) == b"":
                return
        except TimeoutError:
            continue


def _read_request(connection: socket.socket) -> Seen | None:
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return None
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65536)
    method, target, _ = first.split(" ", 2)
    return Seen(method=method, target=target, headers=headers, body=body)

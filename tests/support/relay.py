"""Two programs between a build and what it talks to, on real sockets: a gateway of the user's own, and a web proxy."""

import asyncio
import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_HOP = {"connection", "transfer-encoding", "content-length", "x-seedpipe-emulator", "server", "date"}


def _set() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


@dataclass
class Gateway:
    """Passes requests on to an emulator and keeps quiet that it is one, so a build through it is live."""

    port: int = 0
    prompts: list[str] = field(default_factory=list)  # of the requests for pictures, as they arrived
    keys: set[str] = field(default_factory=set)
    echo: str | None = None  # the model that its answers say has made the pictures
    remembers: bool = False  # equal prompts get the first answer again, as gateways with a cache do
    may_answer: threading.Event = field(default_factory=_set)  # while it is not set, requests for pictures wait

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        return f"http://{self.host}/v1"


@contextmanager
def gateway(base_url: str) -> Iterator[Gateway]:
    """A gateway in front of the emulator at `base_url`."""
    upstream = urlsplit(base_url).netloc
    relay = Gateway()
    first: dict[str, tuple[int, list[tuple[str, str]], bytes]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(*self._asked(b""))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            prompt = json.loads(body)["prompt"]
            relay.prompts.append(prompt)
            answer = first[prompt] if relay.remembers and prompt in first else self._asked(body)
            first[prompt] = answer
            relay.may_answer.wait(60)
            self._answer(*answer)

        def _asked(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            relay.keys.add(self.headers["authorization"].removeprefix("Bearer "))
            connection = http.client.HTTPConnection(upstream, timeout=60)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", *_HOP)}
            if relay.echo is not None:
                headers.pop("accept-encoding", None)
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            data = answer.read()
            connection.close()
            if relay.echo is not None and body:
                data = json.dumps({**json.loads(data), "model": relay.echo}).encode()
            return answer.status, answer.getheaders(), data

        def _answer(self, status: int, headers: list[tuple[str, str]], data: bytes) -> None:
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class' name
            """Tests read no access log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    relay.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield relay
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def web_proxy(routes: Mapping[str, int]) -> Iterator[str]:
    """An HTTPS proxy that tunnels to ports of this machine: `{"host:443": port}`. Yields its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=_tunnel, args=(client, routes), daemon=True)
            threads.append(thread)
            thread.start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in (accepting, *threads):
            thread.join(timeout=5)


def _tunnel(client: socket.socket, routes: Mapping[str, int]) -> None:
    with client:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        method, authority, _ = head.decode("latin-1").split(" ", 2)
        if method != "CONNECT" or authority not in routes:
            client.sendall(b"HTTP/1.1 502 No way there\r\ncontent-length: 0\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", routes[authority])) as server:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            _pump(client, server)
            back.join(timeout=5)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return  # the other side left


@dataclass
class QuietRelay:
    """Passes every byte on at once, and keeps quiet that an emulator is behind it: what goes through it is live."""

    upstream: str  # host and port
    port: int = 0
    answers: list[tuple[str, bytes]] = field(default_factory=list)  # the key, and what it was answered, cut or whole

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def serve(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        """One request; when one side leaves, so does the other."""
        try:
            head = await client.readuntil(b"\r\n\r\n")
            host, _, port = self.upstream.partition(":")
            server, forth = await asyncio.open_connection(host, int(port))
        except (OSError, asyncio.IncompleteReadError):
            back.close()
            return
        own = (b"connection:", b"accept-encoding:")  # so that what is answered can be read in `answers`
        lines = [line for line in head.split(b"\r\n")[:-2] if not line.lower().startswith(own)]
        forth.write(b"\r\n".join([*lines, b"connection: close", b"", b""]))
        tasks = {asyncio.create_task(_hand_on(client, forth)), asyncio.create_task(self._answer(lines, server, back))}
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        for writer in (forth, back):
            writer.close()

    async def _answer(self, asked: list[bytes], server: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await server.readuntil(b"\r\n\r\n")
            lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"x-seedpipe-emulator")]
            back.write(b"\r\n".join(lines))
            kept = bytearray()
            try:
                await _hand_on(server, back, kept)
            finally:
                if asked[0].startswith(b"POST"):
                    key = next(line for line in asked if line.lower().startswith(b"authorization:"))
                    self.answers.append((key.decode().rpartition(" ")[2], bytes(kept)))


async def _hand_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter, kept: bytearray | None = None) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            if kept is not None:
                kept += data
            sink.write(data)
            await sink.drain()


@contextmanager
def quiet_relay(base_url: str) -> Iterator[QuietRelay]:
    """In front of the emulator at `base_url`."""
    relay = QuietRelay(upstream=urlsplit(base_url).netloc)
    ready, ended = threading.Event(), threading.Event()
    stop: list[Callable[[], object]] = []

    async def run() -> None:
        server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
        relay.port = server.sockets[0].getsockname()[1]
        over, loop = asyncio.Event(), asyncio.get_running_loop()
        stop.append(lambda: loop.call_soon_threadsafe(over.set))
        ready.set()
        await over.wait()
        server.close()

    def in_thread() -> None:
        asyncio.run(run())
        ended.set()

    threading.Thread(target=in_thread, daemon=True).start()
    assert ready.wait(10)
    try:
        yield relay
    finally:
        stop[0]()
        ended.wait(10)

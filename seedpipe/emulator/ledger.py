"""The memory of the emulator: what was asked, what was billed, and the pictures; all of it survives a restart."""

import contextlib
import hashlib
import json
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SCHEMA: Final = """
create table if not exists setting (name text primary key, value text not null) strict;
create table if not exists request (
  number integer primary key, request_id text unique not null, process integer not null,
  outcome text not null, fields text not null) strict;
create table if not exists image (
  request_id text not null, position integer not null, billed integer not null, fields text not null,
  primary key (request_id, position)) strict;
create table if not exists object (
  path text primary key, born real not null, media_type text not null, fault text, downloads integer not null) strict;
"""
_FORMAT: Final = 1
_UNTOLD: Final = 86_400.0  # seconds: drawn, and not yet part of an answer


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """A picture behind a result address. `fault` is a download fault as data, `downloads` how often it was fetched."""

    path: str
    file: Path
    born: float
    media_type: str
    fault: Mapping[str, object] | None
    downloads: int


class Ledger:
    """SQLite beside the picture files, in one folder. Every method is a whole durable step, and thread-safe."""

    def __init__(self, folder: Path) -> None:
        """Open or make the folder. Requests that a dead emulator left running become `lost` (never billed)."""
        self.folder = folder
        (folder / "objects").mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(
            folder / "emulator.sqlite3", check_same_thread=False, isolation_level=None, timeout=30
        )
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = full")
        self._db.executescript(_SCHEMA)
        self._setting("format", str(_FORMAT))
        self.secret = bytes.fromhex(self._setting("secret", secrets.token_hex(32)))
        self._bury()

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @property
    def last_port(self) -> int:
        """The port an emulator with this state used last, so that its addresses stay good; 0 if none."""
        return int(self._setting("port", "0"))

    def remember_port(self, port: int) -> None:
        with self._lock:
            self._db.execute("insert or replace into setting values ('port', ?)", (str(port),))

    def begin(self, request_id: str, fields: Mapping[str, object], outcome: str = "running") -> None:
        with self._lock:
            self._db.execute(
                "insert into request (request_id, process, outcome, fields) values (?, ?, ?, ?)",
                (request_id, os.getpid(), outcome, json.dumps(fields)),
            )

    def end(self, request_id: str, outcome: str) -> None:
        """The last word on a request. The life of its pictures begins now: no address of them is older."""
        with self._lock, self._transaction():
            self._db.execute("update request set outcome = ? where request_id = ?", (outcome, request_id))
            self._db.execute(
                "update object set born = ? where path in "
                "(select json_extract(fields, '$.path') from image where request_id = ?)",
                (time.time(), request_id),
            )

    def add_image(self, request_id: str, position: int, fields: Mapping[str, object], *, billed: bool) -> None:
        """One picture of a request, at the moment its making ends. This is the bill, and its life begins."""
        with self._lock, self._transaction():
            self._db.execute(
                "insert or replace into image values (?, ?, ?, ?)",
                (request_id, position, int(billed), json.dumps(fields)),
            )
            self._db.execute("update object set born = ? where path = ?", (time.time(), fields.get("path")))

    def keep_object(self, path: str, data: bytes, *, media_type: str, fault: Mapping[str, object] | None) -> None:
        """Write a picture file, fsynced, then its record. `path` is as in its address, without the first slash.

        It does not age before `add_image` says that it is done; what never is goes a day later than others.
        """
        with self._file(path).open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        with self._lock:
            self._db.execute(
                "insert or replace into object values (?, ?, ?, ?, 0)",
                (path, time.time() + _UNTOLD, media_type, None if fault is None else json.dumps(fault)),
            )

    def find_object(self, path: str) -> StoredObject | None:
        with self._lock:
            row = self._db.execute(
                "select born, media_type, fault, downloads from object where path = ?", (path,)
            ).fetchone()
        file = self._file(path)
        if row is None or not file.is_file():
            return None
        born, media_type, fault, downloads = row
        return StoredObject(
            path=path,
            file=file,
            born=born,
            media_type=media_type,
            fault=None if fault is None else json.loads(fault),
            downloads=downloads,
        )

    def count_download(self, path: str) -> None:
        with self._lock:
            self._db.execute("update object set downloads = downloads + 1 where path = ?", (path,))

    def sweep_older_than(self, seconds: float) -> int:
        """Delete the objects whose life is over; how many."""
        born_before = time.time() - seconds
        with self._lock:
            rows = self._db.execute("select path from object where born < ?", (born_before,)).fetchall()
            self._db.executemany("delete from object where path = ?", rows)
        for (path,) in rows:
            self._file(path).unlink(missing_ok=True)
        return len(rows)

    def totals(self) -> tuple[int, int]:
        """How many requests there are, and how many pictures are billed."""
        with self._lock:
            requests = self._db.execute("select count(*) from request").fetchone()
            billed = self._db.execute("select coalesce(sum(billed), 0) from image").fetchone()
        return int(requests[0]), int(billed[0])

    def report(self) -> dict[str, object]:
        """`{"requests": […], "billed_images": n, "outcomes": {…}}`, in order of arrival."""
        with self._lock:
            requests = self._db.execute("select request_id, outcome, fields from request order by number").fetchall()
            images = self._db.execute(
                "select i.request_id, i.position, i.billed, i.fields, coalesce(o.downloads, 0) from image i "
                "left join object o on o.path = json_extract(i.fields, '$.path') order by i.request_id, i.position"
            ).fetchall()
        by_request: dict[str, list[dict[str, object]]] = {}
        billed: dict[str, int] = {}
        for request_id, position, bill, fields, downloads in images:
            item = {"index": position, "billed": bool(bill), **json.loads(fields), "downloads": downloads}
            by_request.setdefault(request_id, []).append(item)
            billed[request_id] = billed.get(request_id, 0) + bill
        return {
            "requests": [
                {
                    "request_id": request_id,
                    "outcome": outcome,
                    "billed_images": billed.get(request_id, 0),
                    **json.loads(fields),
                    "images": by_request.get(request_id, []),
                }
                for request_id, outcome, fields in requests
            ],
            "billed_images": sum(billed.values()),
            "outcomes": _counts([outcome for _, outcome, _ in requests]),
        }

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")

    def _file(self, path: str) -> Path:
        # Addresses come from outside, so no part of them becomes part of a file's name.
        return self.folder / "objects" / hashlib.sha256(path.encode()).hexdigest()

    def _setting(self, name: str, default: str) -> str:
        with self._lock:
            self._db.execute("insert or ignore into setting values (?, ?)", (name, default))
            row = self._db.execute("select value from setting where name = ?", (name,)).fetchone()
        return str(row[0])

    def _bury(self) -> None:
        """Requests of processes that are no more: what they were making was never finished and never billed."""
        with self._lock:
            rows = self._db.execute("select distinct process from request where outcome = 'running'").fetchall()
            dead = [row for row in rows if row[0] == os.getpid() or not _alive(row[0])]
            self._db.executemany("update request set outcome = 'lost' where outcome = 'running' and process = ?", dead)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _counts(words: Sequence[str]) -> dict[str, int]:
    return {word: words.count(word) for word in sorted(set(words))}

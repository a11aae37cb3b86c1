"""Rows out of the pages of a damaged SQLite file, without its trees: each page that is whole gives what stands in it. Pure.

It follows SQLite's published file format. Rows on pages that were freed may be older than the truth: whoever uses them
takes a table's own answer first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from struct import unpack
from typing import Final

PAGE: Final = 4096  # of every journal
_HEADER: Final = 100  # bytes before the first page's own header
_TABLE_LEAF, _INDEX_LEAF, _INDEX_INTERIOR = 0x0D, 0x0A, 0x02
_WAL_HEADER, _FRAME_HEADER = 32, 24
_MAX_COLUMNS: Final = 64
_INTEGERS: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}  # serial type → bytes

Value = None | int | float | str | bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`rowid` None: of a table without one, or of an index."""

    rowid: int | None
    values: Sequence[Value]


def pages_of(database: bytes, log: bytes = b"") -> list[bytes]:
    """The file's pages; those that its write-ahead log holds in its present round stand in for older ones."""
    pages = [database[at : at + PAGE] for at in range(0, len(database), PAGE)]
    salts = log[16:24]
    for at in range(_WAL_HEADER, len(log) - _FRAME_HEADER - PAGE + 1, _FRAME_HEADER + PAGE):
        number = int.from_bytes(log[at : at + 4])
        if log[at + 8 : at + 16] == salts and 0 < number <= 1_000_000:
            pages += [b""] * (number - len(pages))
            pages[number - 1] = log[at + _FRAME_HEADER : at + _FRAME_HEADER + PAGE]
    return pages


def rows_of(pages: Sequence[bytes]) -> Iterator[Row]:
    """Every row that can be read whole, in the order of the pages."""
    for number, page in enumerate(pages):
        start = _HEADER if number == 0 else 0
        if len(page) < PAGE or page[start] not in (_TABLE_LEAF, _INDEX_LEAF, _INDEX_INTERIOR):
            continue
        for at in _cells(page, start):
            try:
                yield _row(pages, page, at, page[start])
            except (ValueError, IndexError):
                continue  # this one is damaged; the next may be whole


def _cells(page: bytes, start: int) -> Iterator[int]:
    first = start + (12 if page[start] == _INDEX_INTERIOR else 8)
    for place in range(min(int.from_bytes(page[start + 3 : start + 5]), (PAGE - first) // 2)):
        at = int.from_bytes(page[first + 2 * place : first + 2 * place + 2])
        if first <= at < PAGE:
            yield at


def _row(pages: Sequence[bytes], page: bytes, at: int, kind: int) -> Row:
    at += 4 if kind == _INDEX_INTERIOR else 0  # the page below
    length, at = _varint(page, at)
    rowid = None
    if kind == _TABLE_LEAF:
        rowid, at = _varint(page, at)
        most = PAGE - 35
    else:
        most = (PAGE - 12) * 64 // 255 - 23
    payload = _payload(pages, page, at, length, most)
    return Row(rowid=rowid, values=_record(payload))


def _payload(pages: Sequence[bytes], page: bytes, at: int, length: int, most: int) -> bytes:
    """What stands in the page, and the rest from the chain of pages behind it."""
    if length <= most:
        return _exactly(page[at : at + length], length)
    least = (PAGE - 12) * 32 // 255 - 23
    local = least + (length - least) % (PAGE - 4)
    local = local if local <= most else least
    data = bytearray(_exactly(page[at : at + local], local))
    following = int.from_bytes(page[at + local : at + local + 4])
    seen: set[int] = set()
    while len(data) < length:
        if following in seen or not 0 < following <= len(pages) or len(pages[following - 1]) < PAGE:
            raise ValueError("the row goes on nowhere")
        seen.add(following)
        more = pages[following - 1]
        data += more[4 : 4 + length - len(data)]
        following = int.from_bytes(more[:4])
    return bytes(data)


def _record(payload: bytes) -> list[Value]:
    size, at = _varint(payload, 0)
    types: list[int] = []
    while at < size and len(types) <= _MAX_COLUMNS:
        serial, at = _varint(payload, at)
        types.append(serial)
    if at != size:
        raise ValueError("the row's header has another length than it says")
    values: list[Value] = []
    for serial in types:
        value, at = _value(payload, at, serial)
        values.append(value)
    if at != len(payload):
        raise ValueError("the row has another length than its columns")
    return values


def _value(payload: bytes, at: int, serial: int) -> tuple[Value, int]:
    if serial == 0:
        return None, at
    if serial in (8, 9):
        return serial - 8, at
    if serial in _INTEGERS:
        end = at + _INTEGERS[serial]
        return int.from_bytes(_exactly(payload[at:end], end - at), signed=True), end
    if serial == 7:
        return float(unpack(">d", _exactly(payload[at : at + 8], 8))[0]), at + 8
    if serial < 12:
        raise ValueError("a column of no kind")
    length = (serial - 12) // 2
    data = _exactly(payload[at : at + length], length)
    return (data.decode("utf-8", "replace") if serial % 2 else data), at + length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(9):
        byte = data[at + place]
        if place == 8:
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + place + 1
    raise ValueError("unreachable")


def _exactly(data: bytes, length: int) -> bytes:
    if len(data) != length:
        raise ValueError("cut off")
    return data

import errno
import os
from pathlib import Path

import pytest

from seedpipe.errors import StateError
from seedpipe.names import Digest
from seedpipe.state.owners import Owner
from seedpipe.state.store import BlobDamagedError, BlobMissingError, Store
from tests.state.journals import python

DATA = b"pixels" * 1000


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def _spoil(store: Store, digest: Digest, data: bytes = b"other") -> None:
    path = store.path(digest)
    path.unlink()
    path.write_bytes(data)


def test_keeping_and_reading(store: Store) -> None:
    digest = store.keep(DATA)
    assert digest == Digest.of(DATA)
    assert store.path(digest) == store.folder / "sha256" / digest.hex[:2] / digest.hex[2:]
    assert store.has(digest)
    assert store.read(digest) == DATA
    assert store.keep(DATA) == digest
    assert store.path(digest).stat().st_mode & 0o777 == 0o444
    assert store.path(digest).parent.stat().st_mode & 0o777 == 0o700
    assert list(store.digests()) == [digest]
    store.close()
    assert not any(path.is_file() for path in (store.folder / "tmp").rglob("*"))


def test_what_is_not_there_is_said(store: Store) -> None:
    assert not store.has(Digest.of(b"x"))
    assert list(store.digests()) == []
    with pytest.raises(BlobMissingError, match="is not in the store"):
        store.read(Digest.of(b"x"))
    with pytest.raises(BlobMissingError):
        store.materialise(Digest.of(b"x"), store.folder / "target")
    assert not (store.folder / "target").exists()


@pytest.mark.parametrize("action", ["read", "materialise"])
def test_a_damaged_blob_is_set_aside_and_never_handed_out(store: Store, tmp_path: Path, action: str) -> None:
    digest = store.keep(DATA)
    _spoil(store, digest)
    with pytest.raises(BlobDamagedError, match=digest.hex[2:]):
        store.read(digest) if action == "read" else store.materialise(digest, tmp_path / "out")
    assert not store.has(digest)
    assert not (tmp_path / "out").exists()
    (aside,) = (store.folder / "damaged").iterdir()
    assert aside.read_bytes() == b"other"


def test_good_bytes_replace_a_damaged_blob(store: Store) -> None:
    digest = store.keep(DATA)
    _spoil(store, digest)
    store.keep(DATA)
    assert store.read(digest) == DATA
    _spoil(store, digest, b"")
    temporary = store.temporary()
    temporary.write_bytes(DATA)
    store.keep_file(temporary, digest)
    assert store.read(digest) == DATA
    assert len(list((store.folder / "damaged").iterdir())) == 2


@pytest.mark.parametrize("kind", ["symlink", "folder", "fifo"])
def test_a_poisoned_store_hands_nothing_out(store: Store, tmp_path: Path, kind: str) -> None:
    digest = store.keep(DATA)
    path = store.path(digest)
    path.unlink()
    if kind == "symlink":
        (tmp_path / "outside").write_bytes(DATA)
        path.symlink_to(tmp_path / "outside")
    elif kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    assert not store.has(digest)
    with pytest.raises(BlobDamagedError):
        store.read(digest)
    assert store.keep(DATA) == digest
    assert store.read(digest) == DATA


def test_a_download_moves_in(store: Store) -> None:
    temporary = store.temporary()
    temporary.write_bytes(DATA)
    assert store.keep_file(temporary, Digest.of(DATA)) == Digest.of(DATA)
    assert not temporary.exists()
    again = store.temporary()
    again.write_bytes(DATA)
    store.keep_file(again, Digest.of(DATA))
    assert not again.exists()


def test_a_download_with_other_bytes_is_not_kept(store: Store, tmp_path: Path) -> None:
    temporary = store.temporary()
    temporary.write_bytes(DATA)
    with pytest.raises(StateError, match="was not kept"):
        store.keep_file(temporary, Digest.of(b"x"))
    assert temporary.exists()
    (tmp_path / "link").symlink_to(temporary)
    with pytest.raises(StateError, match="can't be kept"):
        store.keep_file(tmp_path / "link", Digest.of(DATA))


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs a second file system")
def test_a_file_from_another_file_system_is_copied_in(store: Store) -> None:
    foreign = Path("/dev/shm") / f"seedpipe-test-{os.getpid()}"
    foreign.write_bytes(DATA)
    try:
        store.keep_file(foreign, Digest.of(DATA))
        assert store.read(Digest.of(DATA)) == DATA
        assert not foreign.exists()
    finally:
        foreign.unlink(missing_ok=True)


def test_materialising(store: Store, tmp_path: Path) -> None:
    digest = store.keep(DATA)
    target = tmp_path / "build" / "deep" / "hero.jpg"
    store.materialise(digest, target)
    assert target.read_bytes() == DATA
    assert target.stat().st_nlink == 1
    assert os.access(target, os.W_OK)
    target.write_bytes(b"edited")
    assert store.read(digest) == DATA, "an editor can't write through into the store"
    store.materialise(digest, target)
    assert [path.name for path in target.parent.iterdir()] == ["hero.jpg"]
    assert target.read_bytes() == DATA


def test_materialising_replaces_a_symlink(store: Store, tmp_path: Path) -> None:
    digest = store.keep(DATA)
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "hero.jpg").symlink_to("precious")
    store.materialise(digest, tmp_path / "hero.jpg")
    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "hero.jpg").is_symlink()


@pytest.mark.parametrize("code", [errno.EXDEV, errno.EOPNOTSUPP])
def test_where_blocks_can_not_be_shared_they_are_copied(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    large = os.urandom(3 * 1024 * 1024 + 7)
    digest = store.keep(large)
    real, calls = os.copy_file_range, []

    def fails_half_way(source: int, sink: int, count: int, offset: int) -> int:
        calls.append(offset)
        if len(calls) == 1:
            return real(source, sink, 1000, offset)
        raise OSError(code, "no")

    monkeypatch.setattr(os, "copy_file_range", fails_half_way)
    store.materialise(digest, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == large


def test_an_empty_blob(store: Store, tmp_path: Path) -> None:
    digest = store.keep(b"")
    store.materialise(digest, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b""


def test_what_a_dead_process_was_downloading_is_swept(store: Store) -> None:
    script = (
        "import sys; from pathlib import Path; from seedpipe.state.store import Store\n"
        "path = Store(Path(sys.argv[1])).temporary(); path.write_bytes(b'half')\n"
        "print(path, flush=True); sys.stdin.read()"
    )
    process = python(script, str(store.folder))
    assert process.stdout
    half = Path(process.stdout.readline().strip())
    own = store.temporary()
    assert half.exists(), "what a living process downloads is left alone"
    assert own.parent != half.parent
    process.kill()
    process.communicate()
    store.close()
    store.temporary()
    assert not half.exists()
    store.close()


def test_closing_is_for_this_process_only(store: Store) -> None:
    other = Owner.begin(store.folder / "tmp")
    store.keep(DATA)
    store.close()
    assert (store.folder / "tmp" / f"{other.id}.lock").exists()
    other.end()
    assert store.read(store.keep(b"again")) == b"again"
    store.close()

import threading
from pathlib import Path

from seedpipe.state.owners import Owner, is_alive, sweep
from tests.state.journals import python


def test_an_owner_lives_until_it_ends(tmp_path: Path) -> None:
    owner = Owner.begin(tmp_path / "owners")
    assert is_alive(owner.folder, owner.id)
    assert sweep(owner.folder) == ()
    owner.end()
    owner.end()
    assert not is_alive(owner.folder, owner.id)


def test_an_owner_dies_with_its_process(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from seedpipe.state.owners import Owner\n"
        "owner = Owner.begin(Path(sys.argv[1])); print(owner.id, flush=True); sys.stdin.read()"
    )
    process = python(script, str(tmp_path))
    assert process.stdout
    owner_id = process.stdout.readline().strip()
    assert is_alive(tmp_path, owner_id)
    process.kill()
    process.communicate()
    assert not is_alive(tmp_path, owner_id)
    assert sweep(tmp_path) == (owner_id,)
    assert list(tmp_path.glob("*.lock")) == []


def test_odd_ids_and_files_are_nobody(tmp_path: Path) -> None:
    (tmp_path / "x.lock").touch()
    assert not is_alive(tmp_path, "../../etc/passwd")
    assert not is_alive(tmp_path / "absent", "1-0123456789abcdef")
    assert sweep(tmp_path) == ()
    assert sweep(tmp_path / "absent") == ()


def test_sweeping_and_asking_never_hurt_a_new_owner(tmp_path: Path) -> None:
    stop = threading.Event()

    def disturb() -> None:
        while not stop.is_set():
            sweep(tmp_path)
            for path in tmp_path.glob("*.lock"):
                is_alive(tmp_path, path.stem)

    threads = [threading.Thread(target=disturb) for _ in range(2)]
    for thread in threads:
        thread.start()
    owners = [Owner.begin(tmp_path) for _ in range(100)]
    stop.set()
    for thread in threads:
        thread.join()
    assert all(is_alive(tmp_path, owner.id) for owner in owners)
    for owner in owners:
        owner.end()

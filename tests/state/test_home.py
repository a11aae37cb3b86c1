import threading
from pathlib import Path

import pytest

from seedpipe.errors import StateError, UsageError
from seedpipe.names import Realm, is_name
from seedpipe.state.home import (
    ProjectState,
    account_folder,
    account_of,
    config_folder,
    home_folder,
    new_project_id,
    normalised_base_url,
)


def test_where_the_home_is(tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    assert home_folder({"SEEDPIPE_HOME": str(tmp_path / "s"), "HOME": home}) == tmp_path / "s"
    assert home_folder({"XDG_DATA_HOME": str(tmp_path / "x"), "HOME": home}) == tmp_path / "x" / "seedpipe"
    default = home_folder({"HOME": home, "XDG_DATA_HOME": "relative"})
    assert default == tmp_path / "home" / ".local" / "share" / "seedpipe"
    assert default.stat().st_mode & 0o777 == 0o700
    assert config_folder({"HOME": home}) == tmp_path / "home" / ".config" / "seedpipe"
    assert config_folder({"XDG_CONFIG_HOME": "/c"}) == Path("/c/seedpipe")


def test_a_home_that_can_not_be_trusted(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="absolute path"):
        home_folder({"SEEDPIPE_HOME": "state"})
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(StateError, match="everybody may write"):
        home_folder({"SEEDPIPE_HOME": str(tmp_path / "open")})


def test_the_paths_of_a_project(tmp_path: Path) -> None:
    state = ProjectState(home=tmp_path, project_id="lumen", realm=Realm.PROOF)
    assert state.journal == tmp_path / "projects" / "lumen" / "proof" / "journal.sqlite"
    assert {state.store.parent, state.takes.parent, state.owners.parent} == {state.folder}


@pytest.mark.parametrize("project_id", ["", "..", ".", "a/b", "../x", "a:b", "-x", "a b", "ä", "x.", "x" * 101])
def test_an_id_that_is_no_folder_name(tmp_path: Path, project_id: str) -> None:
    with pytest.raises(UsageError, match="project's id"):
        ProjectState(home=tmp_path, project_id=project_id, realm=Realm.LIVE)


def test_new_ids_are_names_and_differ() -> None:
    ids = {new_project_id() for _ in range(500)}
    assert len(ids) == 500
    assert all(is_name(one) for one in ids)


def test_accounts(tmp_path: Path) -> None:
    url = "https://api.apiyi.com/v1"
    account = account_of(url, "sk-secret", tmp_path)
    assert account == account_of("HTTPS://API.apiyi.com:443/v1/", "sk-secret", tmp_path)
    others = {account_of(url, "sk-other", tmp_path), account_of("https://vip.apiyi.com/v1", "sk-secret", tmp_path)}
    assert len(others | {account}) == 3
    assert account_of(url, "sk-secret", tmp_path / "another machine") != account
    assert (tmp_path / "salt").stat().st_mode & 0o777 == 0o600
    assert account_folder(tmp_path, account).stat().st_mode & 0o777 == 0o700
    with pytest.raises(ValueError, match="not an account"):
        account_folder(tmp_path, "../x")


def test_a_damaged_salt_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "salt").write_bytes(b"short")
    with pytest.raises(StateError, match="holds 5"):
        account_of("https://x/v1", "k", tmp_path)
    assert (tmp_path / "salt").read_bytes() == b"short"


def test_processes_that_start_together_agree_on_the_salt(tmp_path: Path) -> None:
    accounts: set[str] = set()
    barrier = threading.Barrier(8)

    def work() -> None:
        barrier.wait()
        accounts.add(account_of("https://x/v1", "k", tmp_path))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(accounts) == 1
    assert list(tmp_path.glob(".salt*")) == []


@pytest.mark.parametrize("url", ["", "api.apiyi.com/v1", "ftp://x", "https://", "https://x:99999/", "https://[::1"])
def test_what_is_no_base_url(url: str) -> None:
    with pytest.raises(UsageError, match="is not a base URL"):
        normalised_base_url(url)


def test_base_urls_are_normalised() -> None:
    assert normalised_base_url("http://User:pw@LocalHost:8080/v1/?a=b") == "http://localhost:8080/v1"
    assert normalised_base_url("http://[::1]:80/") == "http://[::1]"

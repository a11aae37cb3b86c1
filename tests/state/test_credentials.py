from pathlib import Path

import pytest

from seedpipe.errors import UsageError
from seedpipe.state.credentials import Credentials


def test_saving_reading_removing(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path / "config")
    assert credentials.key_for("api.apiyi.com") is None
    assert credentials.hosts() == ()
    assert not credentials.remove("api.apiyi.com")
    credentials.save("API.apiyi.com", " sk-one \n")
    credentials.save("localhost:8080", "sk-two")
    credentials.save("localhost:8080", "sk-three")
    assert Credentials(tmp_path / "config").key_for("api.APIYI.com") == "sk-one"
    assert credentials.key_for("localhost:8080") == "sk-three"
    assert credentials.hosts() == ("api.apiyi.com", "localhost:8080")
    assert credentials.remove("api.apiyi.com")
    assert not credentials.remove("api.apiyi.com")
    assert credentials.hosts() == ("localhost:8080",)
    assert credentials.path.stat().st_mode & 0o777 == 0o600
    assert credentials.path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    credentials = Credentials(tmp_path)
    credentials.save("x.com", "sk-secret")
    credentials.path.chmod(mode)
    for attempt in (lambda: credentials.key_for("x.com"), lambda: credentials.save("y.com", "sk-2")):
        with pytest.raises(UsageError) as caught:
            attempt()
        assert "chmod 600" in (caught.value.hint or "")
        assert "sk-secret" not in f"{caught.value}{caught.value.hint}"


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"format":1}', '{"format":1,"keys":[]}', '{"format":1,"keys":{"x":1}}', '{"format":2,"keys":{}}'],
)
def test_a_garbled_file_is_never_read_as_empty(tmp_path: Path, text: str) -> None:
    credentials = Credentials(tmp_path)
    credentials.path.write_text(text)
    credentials.path.chmod(0o600)
    with pytest.raises(UsageError, match="credentials"):
        credentials.save("x.com", "sk-1")
    assert credentials.path.read_text() == text


@pytest.mark.parametrize(
    ("host", "key"),
    [("x.com", ""), ("x.com", "a b"), ("x.com", "sk-…"), ("https://x.com", "k"), ("", "k"), (" x", "k")],
)
def test_senseless_words_are_not_saved(tmp_path: Path, host: str, key: str) -> None:
    with pytest.raises(UsageError) as caught:
        Credentials(tmp_path).save(host, key)
    assert not key or key not in str(caught.value) or key == "k"
    assert not (tmp_path / "credentials.json").exists()


def test_the_key_is_in_no_repr(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path)
    credentials.save("x.com", "sk-secret")
    assert "sk-secret" not in repr(credentials) + repr(vars(credentials))

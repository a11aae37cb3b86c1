from pathlib import Path

import pytest

from seedpipe.errors import UsageError
from seedpipe.money import Money
from seedpipe.state.caps import CapKind
from seedpipe.state.settings import TrustedHost, UserSettings, read_settings

FULL = """\
# mine
trust:
  Gateway.example.com: {key_env: GATEWAY_KEY}
  localhost:8080:
  "[::1]:8080": {}
budget:
  per_build: 5 USD
  per_month: 60.5 USD
catalogue: [~/models.yaml, more.yaml, /abs.yaml]
"""


def _settings(folder: Path, text: str) -> UserSettings:
    (folder / "config.yaml").write_text(text)
    return read_settings(folder)


def test_no_file_says_nothing(tmp_path: Path) -> None:
    assert read_settings(tmp_path) == UserSettings()
    assert _settings(tmp_path, "# nothing\n") == UserSettings()


def test_all_that_can_be_said(tmp_path: Path) -> None:
    settings = _settings(tmp_path, FULL)
    assert settings.trusted == (
        TrustedHost(host="gateway.example.com", key_env="GATEWAY_KEY"),
        TrustedHost(host="localhost:8080"),
        TrustedHost(host="[::1]:8080"),
    )
    assert settings.trusted_host("GATEWAY.example.com") == settings.trusted[0]
    assert settings.trusted_host("example.com") is None
    assert [(cap.kind, cap.limit) for cap in settings.caps] == [
        (CapKind.PER_RUN, Money.parse("5 USD")),
        (CapKind.PER_MONTH, Money.parse("60.5 USD")),
    ]
    assert settings.caps[1].source == f"{tmp_path / 'config.yaml'}:8"
    assert settings.catalogue_files == (Path.home() / "models.yaml", tmp_path / "more.yaml", Path("/abs.yaml"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("trusts: {}", "line 1: `trusts` is not a setting"),
        ("budget: {per_week: 5 USD}", "`per_week` is not a budget"),
        ("budget: {per_day: 5}", "has no currency"),
        ("budget: {per_day: }", "`per_day` should be text"),
        ("budget: {per_day: -5 USD}", "not an amount of money"),
        ("budget:\n  per_day: 5 USD\n  per_day: 6 USD", "line 3: `per_day` stands twice"),
        ("trust: {'https://x.com': {}}", "is not a host"),
        ("trust: {'x.com': {key: sk-1}}", "there is `key_env`"),
        ("trust: {'x.com': {key_env: A-B}}", "not the name of an environment variable"),
        ("trust: [x.com]", "`trust` should be a mapping"),
        ("catalogue: a.yaml", "should be a list of files"),
        ("catalogue: [[a]]", "should be text"),
        ("- a", "the file should be a mapping"),
        ("a: [", "is not YAML"),
        ("? [a]\n: b", "a key should be text"),
        ("!!python/object/apply:os.system ['x']", "the file should be a mapping"),
    ],
)
def test_faults_are_told_with_their_line(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(UsageError) as caught:
        _settings(tmp_path, text)
    assert expected in caught.value.message
    assert "config.yaml" in caught.value.message


def test_all_faults_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        _settings(tmp_path, "a: 1\nb: 2\nbudget: {per_day: x}")
    assert caught.value.message.count("line ") == 3


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="more than"):
        _settings(tmp_path, "#" * 1024 * 1024 + "\n")

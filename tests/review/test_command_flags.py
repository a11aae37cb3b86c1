"""Commands that people are told mean the pictures that they are about."""

import pytest

from seedpipe.review.command_flags import flags_of, with_flags

FLAGS = flags_of(proof=True, profile="draft")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("`seedpipe approve hero`", "`seedpipe approve hero --profile draft --proof`"),
        ("`seedpipe undo`, or `seedpipe pick hero 3`",
         "`seedpipe undo --profile draft --proof`, or `seedpipe pick hero 3 --profile draft --proof`"),
        ("`seedpipe build hero+ --proof`", "`seedpipe build hero+ --proof --profile draft`"),
        ("`seedpipe lock prune`", "`seedpipe lock prune --profile draft --proof`"),
        ("`seedpipe lock merge --prefer ours`", "`seedpipe lock merge --prefer ours`"),
        ("`seedpipe login`", "`seedpipe login`"),
        ("`seedpipe.lock` and `--yes`", "`seedpipe.lock` and `--yes`"),
    ],
)  # fmt: skip
def test_every_command_that_takes_them_has_them_once(text: str, expected: str) -> None:
    assert with_flags(text, FLAGS) == expected
    assert with_flags(expected, FLAGS) == expected
    assert with_flags(text, flags_of()) == text


def test_values_are_quoted_for_a_shell() -> None:
    flags = flags_of(profile="draft", variables=("mood=a warm day", "n=1"), provider="byteplus")
    told = "`seedpipe build --profile draft --var 'mood=a warm day' --var n=1 --provider byteplus`"
    assert with_flags("`seedpipe build`", flags) == told

"""No line is wider than the terminal, whatever script the words are in; nothing is said by colour or place alone."""

import re
import shutil

import pytest

from seedpipe.display import display_width, without_colors
from tests.sessions.conftest import manifest
from tests.support.repository import Repository
from tests.support.workspace import REPOSITORY, Service

LONG = "a-name-that-goes-on-and-on-and-on-and-on"
LAMPS = manifest(
    "art: {file: art.png}",
    "hero: {prompt: '夜明けの工房、真鍮のランプ 👩‍🎨 in {{ light }}, e\u0301e\u0301 مصباح نحاسي قديم 🏮🏮🏮 きらきら', "
    "looks: {day: {}, night: {light: 月明かり}}, tags: [launch]}",
    f"{LONG}: {{matrix: {{n: [a, b], market: [en, ja]}}, prompt: 'カード {{{{ n }}}} {{{{ market }}}}, {{{{ refs.hero }}}}', "
    "references: {hero: hero}}",
    "board: {sequence: {frames: [{id: wide, prompt: 広い, caption: 朝の港、霧が深い 👨‍👩‍👧‍👦}, {id: hands, prompt: Hands, caption: '05:40'}]}}",
    "small: {from: hero, steps: [{resize: 64x64}, {convert: png}]}",
    head="vars: {light: 真昼}\nprofiles: {draft: {}}\n",
)
NOTE = "影がきれい 🏮 مصباح e\u0301 und so weiter, eine lange Notiz auf Deutsch mit vielen, vielen Wörtern"
LOOK = """
plan
-v plan
plan --by market
plan --compare-models
check
status
explain art hero board tiny
takes
takes hero board
graph
diff
diff HEAD~1
spend
spend --by node
spend --by person
resolve
models
models seedream-4-5
models --provider all
models --migrate seedream-4-0 seedream-5-0
doctor --offline
upgrade --dry-run
lock prune --dry-run
"""


@pytest.fixture(scope="module")
def desk(running: Service, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    folder = tmp_path_factory.mktemp("widths")
    running.faults()
    desk = Repository(
        folder / "作業",
        SEEDPIPE_HOME=str(folder / "h"),
        SEEDPIPE_BASE_URL=running.base_url,
        SEEDPIPE_API_KEY="key-widths-0123456789",
        GIT_AUTHOR_NAME="美香",
    )
    desk.write("seedpipe.yaml", LAMPS)
    shutil.copyfile(REPOSITORY / "examples/brand-kit/art/logo.png", desk.folder / "art.png")
    desk.git("init", "-q", "-b", "main")
    desk.git("config", "user.name", "美香")
    desk.commit("The manifest")
    assert desk.run("build").code == 0
    assert desk.run("pick", "hero", "2", "-m", NOTE).code == 0
    desk.edit("seedpipe.yaml", "夜明け", "夕暮れ")
    desk.edit("seedpipe.yaml", "Hands", "Two hands")
    desk.commit("Other words")
    desk.edit("seedpipe.yaml", "広い", "とても広い")
    desk.edit("seedpipe.yaml", "  small:", "  tiny:")
    return desk


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_no_line_is_wider_than_the_terminal(desk: Repository, columns: int) -> None:
    wide = []
    for line in LOOK.strip().splitlines():
        ran = desk.run(*line.split(), COLUMNS=str(columns))
        assert ran.code in (0, 75), (line, ran.err)
        for said in (ran.out + ran.err).splitlines():
            if display_width(said) > columns:
                wide.append((line, said))
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", said), (line, said)
    assert not wide


def test_a_terminal_that_draws_nothing_gets_words_alone(desk: Repository) -> None:
    """As a screen reader reads it: no drawn lines, no bars, no spinner, no colours; what they would say is said."""
    drawn = re.compile("[\u2500-\u259f\u2800-\u28ff\x1b\r]")
    for line in [*LOOK.strip().splitlines(), "build"]:
        ran = desk.run(*line.split(), TERM="dumb", COLUMNS="80")
        assert not drawn.search(ran.out + ran.err), line
    tree = desk.run("graph", TERM="dumb", COLUMNS="80").out.splitlines()
    at = next(number for number, one in enumerate(tree) if one.startswith("hero "))
    assert tree[at + 1].startswith("   "), "what is made from it stands below it, further in"


@pytest.mark.parametrize("line", ["plan", "explain hero", "diff HEAD~1", "takes hero", "status", "spend --by person"])
def test_colours_only_repeat_what_is_said(desk: Repository, line: str) -> None:
    """Without them it is the same text, but that marks stand around changed words in their place."""
    plain = desk.run(*line.split(), NO_COLOR="1", COLUMNS="200").out
    coloured = desk.run(*line.split(), FORCE_COLOR="1", COLUMNS="200").out
    assert "\x1b[" in coloured and "\x1b[" not in plain
    marks = coloured.replace("\x1b[31;9m", "[-").replace("\x1b[32;1m", "{+")
    words = re.compile(r"\W+")
    assert words.sub("", without_colors(marks)) == words.sub("", plain)

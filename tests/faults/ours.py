"""The cells by seedpipe: a project of one node each, built, and built once more after the fault is over."""

from contextlib import closing
from pathlib import Path
from typing import Final

from PIL import Image

from seedpipe.money import Money
from seedpipe.state.journal import Journal
from seedpipe.state.spent import Scope
from seedpipe.state.store import Store
from tests.faults.cells import FRAMES, SCALE, Cell
from tests.support.workspace import Ran, Workspace

BUILD: Final = ("build", "--yes", "--max-cost", "5")
TIMEOUT: Final = {"first": 300 / SCALE, "further": 40 / SCALE, "min": 60 / SCALE}  # seconds; the defaults, shortened


def manifest(cell: Cell) -> str:
    mode = cell.mode
    names = [f"ref{number}" for number in range(mode.references)]
    head = (
        "seedpipe: 1\nproject: cell\nprovider: byteplus\n"
        f"defaults: {{response_format: {'b64_json' if mode.inline else 'url'}}}\n"
        "images:\n" + "".join(f"  {name}: {{file: {name}.png}}\n" for name in names)
    )
    if mode.layers:
        return f'{head}  it: {{layers: ref0, model: seedream-5-0-pro, prompt: "{cell.prompt}"}}\n'
    words = cell.prompt + "".join(f" with {{{{ refs.{name} }}}}" for name in names)
    frames = ", ".join(f"{{id: {name}, prompt: {name}}}" for name in FRAMES[: mode.pictures])
    return (
        f'{head}  it:\n    prompt: "{words}"\n    model: seedream-4-0\n    size: 1K\n'
        + (f"    references: {{{', '.join(f'{name}: {name}' for name in names)}}}\n" if names else "")
        + (f"    sequence: {{frames: [{frames}]}}\n" if mode.pictures > 1 else "")
    )


class Ours:
    """One cell's project in `folder`, whose requests go to `base_url`."""

    def __init__(self, cell: Cell, folder: Path, base_url: str) -> None:
        self.cell = cell
        self._home = folder / "home"
        self.workspace = Workspace(
            folder / "work",
            SEEDPIPE_BASE_URL=base_url,
            SEEDPIPE_API_KEY=cell.key,
            SEEDPIPE_HOME=str(self._home),
            XDG_CONFIG_HOME=str(folder / "settings"),
        )
        self.workspace.write("seedpipe.yaml", manifest(cell))
        for number in range(cell.mode.references):
            Image.new("RGB", (1024, 1024), (40 * number, 80, 120)).save(self.workspace.folder / f"ref{number}.png")
        times = ", ".join(f"{name}: {seconds:g}" for name, seconds in TIMEOUT.items())
        self.workspace.write("../settings/seedpipe/config.yaml", "catalogue: [short.yaml]\n")
        self.workspace.write("../settings/seedpipe/short.yaml", f"providers: {{byteplus: {{timeout: {{{times}}}}}}}\n")

    def run(self) -> list[Ran]:
        """A build, and another one when the fault is over."""
        return [self.workspace.run(*BUILD), self.workspace.run(*BUILD)]

    @property
    def kept(self) -> set[str]:
        """What the journal says, with bytes that the store verifies."""
        store = Store(self._state / "store")
        with closing(Journal.open(self._state / "journal.sqlite", account="reader")) as journal:
            return {take.digest.hex for take in journal.arrivals() if store.read(take.digest)}

    @property
    def held(self) -> int:
        """Pictures of which nobody knows whether they were charged, and paid ones that are still to be fetched."""
        return sum(state in ("unknown", "fetch") for state in self.workspace.plan().values())

    @property
    def accounted(self) -> Money:
        """Charged, and at most charged beyond it: what every cap counts."""
        with closing(Journal.open(self._state / "journal.sqlite", account="reader")) as journal:
            return journal.spent(Scope(), "USD").worst

    @property
    def _state(self) -> Path:
        return self._home / "projects" / "cell" / "live"

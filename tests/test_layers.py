"""The import arrows: down only, siblings apart, pure rooms without the world. See docs/architecture.md."""

import ast
import functools
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "seedpipe"

LEVELS = [
    {"errors", "hints", "source", "money", "names", "limits", "canonical", "display", "fonts", "hosts", "__init__"},
    {"manifest", "catalogue", "state", "events"},
    {"plan"},
    {"service", "images", "emulator"},
    {"build", "review", "project", "console"},
    {"commands"},
    {"cli"},
    {"__main__"},
]
LEVEL = {room: number for number, rooms in enumerate(LEVELS) for room in rooms}

# Foundation modules may lean on each other in this order; commands and the console need one common word.
WITHIN = {
    "errors": {"hints", "limits", "source", "names"},
    "canonical": {"names"},
    "money": set(),
    "project": {"build", "console"},
    "review": {"console"},
}

PURE = [
    "manifest/*.py",
    "plan/*.py",
    "state/lock.py",
    "state/held.py",
    "state/ledger.py",
    "state/shares.py",
    "service/request.py",
    "service/reply.py",
    "service/refusals.py",
    "service/redaction.py",
    "service/sse.py",
    "service/stream.py",
    "service/delivery.py",
    "emulator/rules.py",
    "emulator/faults.py",
    "emulator/bodies.py",
    "emulator/layers.py",
    "emulator/openapi.py",
    "emulator/codes.py",
    "emulator/scenario.py",
    "emulator/sequences.py",
    "review/reconcile.py",
    "review/usage.py",
    "build/schedule.py",
    "build/budget.py",
    "build/pace.py",
    "build/retry.py",
    "canonical.py",
    "money.py",
    "names.py",
    "errors.py",
    "hosts.py",
    "events.py",
]
THE_WORLD = {
    "os", "time", "asyncio", "httpx", "sqlite3", "socket", "subprocess", "threading", "random", "tempfile",
    "shutil", "urllib.request", "diskcache", "PIL", "starlette", "uvicorn",
}  # fmt: skip


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@functools.cache
def imports(path: Path) -> list[tuple[str, int, bool]]:
    """(module, line, whether it stands in a function) of every import that runs; TYPE_CHECKING blocks are left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for child in ast.walk(node)
    }
    late = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.walk(node)
    }
    found = []
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found += [(name.name, node.lineno, id(node) in late) for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} relative import"
            base = node.module or ""
            if base == "seedpipe":
                found += [(f"seedpipe.{name.name}", node.lineno, id(node) in late) for name in node.names]
            else:
                found.append((base, node.lineno, id(node) in late))
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows_point_down(path: Path) -> None:
    room = room_of(path)
    assert room in LEVEL, f"`{room}` has no level: draw it into tests/test_layers.py and docs/architecture.md"
    for module, line, late in imports(path):
        if module.split(".")[0] != "seedpipe" or module == "seedpipe.__version__":
            continue
        other = module.split(".")[1] if "." in module else "__init__"
        assert other in LEVEL, f"{path}:{line} imports {module}"
        fine = other == room or LEVEL[other] < LEVEL[room] or other in WITHIN.get(room, set())
        assert fine, f"{path.relative_to(PACKAGE)}:{line} points up or sideways: {module}"
        assert not late or room == "cli", f"{path.relative_to(PACKAGE)}:{line} imports {module} late"


@pytest.mark.parametrize("pattern", PURE)
def test_pure_rooms_do_not_touch_the_world(pattern: str) -> None:
    paths = sorted(PACKAGE.glob(pattern))
    assert paths, f"{pattern} matches nothing"
    for path in paths:
        for module, line, _ in imports(path):
            parts = {module, module.split(".")[0]}
            assert not parts & THE_WORLD, f"{path.relative_to(PACKAGE)}:{line} is pure and imports {module}"


def test_no_knot() -> None:
    """No two modules import each other, however far around."""
    names = {}
    for path in modules():
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    below = {
        name: {
            target if target in names else target.rpartition(".")[0]
            for target, _, _ in imports(path)
            if target.startswith("seedpipe") and (target in names or target.rpartition(".")[0] in names)
        }
        - {name, "seedpipe"}
        for name, path in names.items()
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " → ".join((*trail[trail.index(name) :], name))
        if name not in done:
            for target in below[name]:
                visit(target, (*trail, name))
            done.add(name)

    for name in names:
        visit(name, ())


def test_start_up_is_light() -> None:
    """Neither the entry module nor the foundation imports anything heavy (`--help` is measured in tests/test_cli.py)."""
    heavy = {
        "httpx",
        "networkx",
        "jinja2",
        "pydantic",
        "PIL",
        "diskcache",
        "rich",
        "starlette",
        "uvicorn",
        "yaml",
    }
    for name in [
        "cli",
        "console",
        "errors",
        "source",
        "money",
        "names",
        "limits",
        "canonical",
        "commands/invocation",
    ]:
        for module, line, _ in imports(PACKAGE / f"{name}.py"):
            assert module.split(".")[0] not in heavy, f"{name}:{line} imports {module}"

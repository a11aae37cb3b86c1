"""Every error that a person can meet says what to do next."""

import ast
import importlib
from collections.abc import Iterator

from seedpipe.errors import ManifestError, SeedpipeError
from seedpipe.hints import NEXT_STEPS
from tests.support.workspace import REPOSITORY

PACKAGE = REPOSITORY / "seedpipe"


def constructions() -> Iterator[tuple[str, ast.Call, type[SeedpipeError]]]:
    """Every place of the package that makes an error, with the class that it makes."""
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        named = [
            (node, ast.unparse(node.func)) for node in calls if ast.unparse(node.func).endswith(("Error", "Fault"))
        ]
        if not named:
            continue
        parts = path.relative_to(REPOSITORY).with_suffix("").parts
        module = importlib.import_module(".".join(parts).removesuffix(".__init__"))
        for node, name in named:
            found = getattr(module, name, None)
            if isinstance(found, type) and issubclass(found, SeedpipeError):
                yield f"{path.relative_to(REPOSITORY)}:{node.lineno}", node, found


def says_it_itself(kind: type[SeedpipeError]) -> bool:
    """Its class knows the hint, or each of its faults has one."""
    own = kind.__init__ is not SeedpipeError.__init__
    return issubclass(kind, ManifestError) or own or kind.next_step is not None


def test_every_error_has_a_next_step() -> None:
    found = list(constructions())
    assert len(found) > 300
    mute = []
    for place, call, kind in found:
        hint = next((one.value for one in call.keywords if one.arg == "hint"), None)
        if not says_it_itself(kind) and (hint is None or (isinstance(hint, ast.Constant) and not hint.value)):
            mute.append(f"{place} {ast.unparse(call)[:150]}")
    assert not mute, "give each a `hint`: " + "\n".join(mute)


def test_no_hint_of_a_kind_is_of_a_kind_that_is_no_more() -> None:
    """`hints.NEXT_STEPS` names what some module finds, and no line of it is a whole sentence or too long to stand beside."""
    text = "".join(
        path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py")) if path.name != "hints.py"
    )
    assert not [code for code in NEXT_STEPS if f'"{code}"' not in text]
    assert all(len(hint) <= 70 and not hint[0].isupper() and hint[-1] not in ".!" for hint in NEXT_STEPS.values())

"""`seedpipe init`: a project that builds."""

import shlex
import shutil
from pathlib import Path

import click

from seedpipe.commands.invocation import Invocation, option, pass_invocation
from seedpipe.errors import UsageError
from seedpipe.limits import ExitCode

TEMPLATES = ("starter", "brand-kit", "storyboard", "catalogue")
_PACKAGE = Path(__file__).parent.parent
_LEFT_OUT = ("build", ".seedpipe", "seedpipe.lock", "__pycache__")


@click.command("init")
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False), metavar="[DIR]")
@option("--template", type=click.Choice(TEMPLATES), default="starter", show_default=True, help="What to begin with.")
@pass_invocation
def command(invocation: Invocation, folder: Path | None, template: str) -> int:
    """Write a small project that builds at once; nothing that exists is overwritten.

    starter: three pictures, with comments that teach. brand-kit: a logo, a hero, scenes by product, banners by market.
    storyboard: characters held by reference through a film's shots. catalogue: products from a CSV file.

    \b
    Example:
      seedpipe init lamps --template brand-kit
      cd lamps && seedpipe build --proof
    """
    target = invocation.folder / (folder or Path())
    source = template_folder(template)
    files = [path for path in sorted(source.rglob("*")) if path.is_file() and not _is_left_out(path, source)]
    present = [path for path in files if (target / path.relative_to(source)).exists()]
    if present:
        names = ", ".join(f"`{path.relative_to(source)}`" for path in present[:4])
        raise UsageError(
            f"{names} exist{'s' if len(present) == 1 else ''} already in `{target}`",
            hint="name a new folder: `seedpipe init NAME`",
        )
    for path in files:
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.name == "seedpipe.yaml":
            place.write_text(_without_schema_line(path.read_text(encoding="utf-8")), encoding="utf-8")
        else:
            shutil.copyfile(path, place)
    invocation.console.remark("\n".join([f"wrote {len(files)} files to {target.resolve()}", *_next_steps(target)]))
    return ExitCode.DONE


def _next_steps(target: Path) -> list[str]:
    enter = [] if target == Path() else [f"  cd {shlex.quote(str(target))}"]
    return [
        "next:",
        *enter,
        "  seedpipe plan            what a build would make, why, and what it would cost",
        "  seedpipe build --proof   everything as proofs: no key, nothing billed",
    ]


def template_folder(name: str) -> Path:
    """Where a template's files are: in the package, or beside it in a checkout."""
    for folder in (_PACKAGE / "scaffolds" / name, _PACKAGE / "examples" / name, _PACKAGE.parent / "examples" / name):
        if (folder / "seedpipe.yaml").is_file():
            return folder
    raise UsageError(f"the template `{name}` is not in this installation", hint="install seedpipe again")


def _is_left_out(path: Path, source: Path) -> bool:
    return any(part in _LEFT_OUT for part in path.relative_to(source).parts)


def _without_schema_line(text: str) -> str:
    """The line for editors is relative to our repository; `seedpipe schema` gives a project its own."""
    first, _, rest = text.partition("\n")
    return rest.removeprefix("#\n") if first.startswith("# yaml-language-server:") else text

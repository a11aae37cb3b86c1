"""`make demo`: the brand kit on the embedded emulator, as a new user would run it. No key, nothing billed."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent.parent
FOLDER = REPOSITORY / "demo" / "brand-kit"
HEADLINE = ("Licht fürs Buch, nicht fürs ganze Zimmer.", "Licht fürs Buch.")


def main() -> int:
    """What it would cost, the proofs, nothing to do, and what one changed headline means."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    left_out = shutil.ignore_patterns("build", ".seedpipe", "seedpipe*.lock")
    shutil.copytree(REPOSITORY / "examples/brand-kit", FOLDER, ignore=left_out)
    with tempfile.TemporaryDirectory(prefix="seedpipe-demo-") as home:
        for told, verb in (
            ("what a build would buy, and for how much", ["plan"]),
            ("the same as proofs, drawn here for nothing", ["build", "--proof"]),
            ("what is unchanged is skipped", ["build", "--proof"]),
        ):
            code = _run(told, verb, home)
            if code != 0:
                return code
        copy = FOLDER / "copy/de.yaml"
        copy.write_text(copy.read_text(encoding="utf-8").replace(*HEADLINE), encoding="utf-8")
        code = _run("after another headline in copy/de.yaml", ["plan", "--proof"], home)
    pictures = FOLDER / "build" / "@proof"
    count = sum(path.is_file() for path in pictures.rglob("*"))
    sys.stdout.write(f"\n{count} pictures are in {pictures.relative_to(REPOSITORY)}\n")
    return code


def _run(told: str, verb: list[str], home: str) -> int:
    sys.stdout.write(f"\n$ seedpipe {' '.join(verb)}    # {told}\n")
    sys.stdout.flush()
    environ = os.environ | {"SEEDPIPE_HOME": home}
    return subprocess.run([sys.executable, "-m", "seedpipe", *verb], cwd=FOLDER, env=environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

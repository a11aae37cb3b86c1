"""`make demo`: the brand kit on the embedded emulator, as a new user would run it. No key, nothing billed."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent.parent
FOLDER = REPOSITORY / "demo" / "brand-kit"


def main() -> int:
    """Plan, build, plan again after one changed word, build again."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    shutil.copytree(REPOSITORY / "examples/brand-kit", FOLDER, ignore=shutil.ignore_patterns("build", ".seedpipe"))
    with tempfile.TemporaryDirectory(prefix="seedpipe-demo-") as home:
        environ = os.environ | {"SEEDPIPE_HOME": home}
        for verb in (["plan", "--proof"], ["build", "--proof"], ["build", "--proof"], ["status", "--proof"]):
            shown = " ".join(["seedpipe", *verb])
            sys.stdout.write(f"\n$ {shown}\n")
            sys.stdout.flush()
            done = subprocess.run([sys.executable, "-m", "seedpipe", *verb], cwd=FOLDER, env=environ, check=False)
            if done.returncode != 0:
                return done.returncode
    pictures = FOLDER / "build" / "@proof"
    count = sum(path.is_file() for path in pictures.rglob("*"))
    sys.stdout.write(f"\n{count} pictures are in {pictures.relative_to(REPOSITORY)}: proofs, made here for nothing.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m seedpipe`."""

import sys

from seedpipe.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

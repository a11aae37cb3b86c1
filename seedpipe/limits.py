"""Exit codes and every limit of the tool itself; limits of the service stand in the catalogue."""

from enum import IntEnum
from typing import Final


class ExitCode(IntEnum):
    """What a command returns to the shell. Stable; where several hold, the most urgent wins (`most_urgent`)."""

    DONE = 0
    FAILED = 1  # some nodes failed
    USAGE = 2  # wrong usage, a faulty manifest, a lock or record of decisions that can't be read
    CHANGES = 3  # changes are pending (`plan --exit-code`, `build --frozen`)
    REFUSED = 4  # refused by a cap, or nobody consented
    BLOCKED = 5  # only moderation stood in the way
    UNCERTAIN = 75  # a charge is uncertain: do not just run again
    INTERRUPTED = 130


URGENCY: Final = (
    ExitCode.INTERRUPTED,
    ExitCode.UNCERTAIN,
    ExitCode.REFUSED,
    ExitCode.FAILED,
    ExitCode.BLOCKED,
    ExitCode.CHANGES,
    ExitCode.DONE,
)


def most_urgent(codes: set[ExitCode]) -> ExitCode:
    """The one exit code for a run in which all of `codes` hold."""
    return next((code for code in URGENCY if code in codes), ExitCode.DONE)


MANIFEST_FORMAT: Final = 1
LOCK_FORMAT: Final = 1
EVENTS_FORMAT: Final = 1  # of `--events`
PLAN_FORMAT: Final = 1
DECISION_FORMAT: Final = 1  # of one line of `seedpipe.decisions.jsonl`

MAX_FILE_BYTES: Final = 64 * 1024 * 1024  # one manifest, include or data file
MAX_DEPTH: Final = 64  # nesting of a YAML or JSON document
MAX_VALUES: Final = 5_000_000  # values of one document after its aliases are expanded
MAX_NODES: Final = 250_000  # nodes of one project after expansion
MAX_RENDERED_CHARS: Final = 200_000  # one rendered template
MAX_TEMPLATE_STEPS: Final = 1_000_000  # range() and loops in one template
MAX_PROJECT_STEPS: Final = 50_000_000  # the same in all templates of a project, and the characters that they make
MAX_PROJECT_CHARS: Final = 1_000_000_000
MAX_FRAMES: Final = 300  # of one sequence
MAX_LAYERS: Final = 17  # pictures of one decomposition, the base included: so many the service reserves (BP265)
MAX_TAKES: Final = 50  # takes of one node bought at once
MAX_LOOKS: Final = 20  # of one node
MAX_REDIRECTS: Final = 3
MAX_PICTURE_BYTES: Final = 128 * 1024 * 1024  # one downloaded picture
MAX_ANSWER_BYTES: Final = 512 * 1024 * 1024  # one answer of the service, b64_json batches included
MAX_PIXELS: Final = 100_000_000  # one decoded picture

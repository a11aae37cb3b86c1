"""What asking the catalogue again would change, for people: its answers, the pictures that they move, the price. Pure."""

from dataclasses import replace

from seedpipe.display import PLAIN, Style, shown, wrap
from seedpipe.plan.plan import sum_of
from seedpipe.plan.upgrade import Answers, Moved
from seedpipe.review.plan_text import NO_CAPS, plan_text


def upgrade_text(answers: Answers, moved: Moved | None, *, width: int = 80, style: Style = PLAIN) -> str:
    """`moved` is None where nothing changed."""
    lines = []
    for ask, (old, new) in answers.changed.items():
        lines += wrap(shown(f"{ask}: {old} → {new}"), width)
    for ask in answers.unanswered:
        lines += [
            style.dim(line) for line in wrap(shown(f"{ask}: the catalogue knows it no more, and the lock holds"), width)
        ]
    if moved is None:
        lines += wrap("everything is as the catalogue says now: there is nothing to upgrade", width)
    elif not moved.nodes:
        lines += ["", "no picture is asked for otherwise by that"]
    else:
        told = {node.address: node for node in (*moved.waiting, *moved.nodes)}
        plan = replace(
            moved.plan, nodes=told, cost=sum_of((node.cost for node in moved.nodes), moved.plan.currency), hints=()
        )
        lines += ["", "then a build would make", "", plan_text(plan, width=width, style=style, caps=NO_CAPS)]
    return "\n".join(lines)

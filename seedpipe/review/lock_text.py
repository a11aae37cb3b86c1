"""What bringing two locks together came to, and what has left the manifest, for people."""

from collections.abc import Mapping

from seedpipe.display import wrap
from seedpipe.plan.orphans import Chosen
from seedpipe.state.lock import ImageEntry
from seedpipe.state.merge import Merged, Side


def merge_text(merged: Mapping[str, Merged], *, prefer: Side | None, width: int = 80, by_git: bool = False) -> str:
    """`merged` by the lock's name; empty: there was nothing to do. No line is wider than `width`.

    `by_git`: it was git who asked, and who adds what is merged.
    """
    if not merged:
        return "\n".join(wrap("no lock here has conflict markers: there is nothing to merge", width))
    lines = []
    for name, one in merged.items():
        lines += [line for remark in one.remarks for line in _indented(remark, width)]
        for dispute in one.disputes:
            sides = f"ours {_shown(dispute.ours)}, theirs {_shown(dispute.theirs)}"
            taken = "" if prefer is None else f"; {prefer.value} was taken"
            lines += _indented(f"two people chose for `{dispute.address}`: {sides}{taken}", width)
        open_lines = len(one.disputes) if prefer is None else 0
        if open_lines:
            need = "1 line, which needs" if open_lines == 1 else f"{open_lines} lines, which need"
            lines += wrap(f"`{name}` is merged but for {need} a person's word", width)
            step = "keep one of the two lines between the markers, or `seedpipe lock merge --prefer ours` (or `theirs`)"
            lines += [f"{' ' if index else '→'} {line}" for index, line in enumerate(wrap(step, width - 2))]
        elif not by_git:
            lines += wrap(f"`{name}` is merged → `git add {name}`, then `seedpipe plan`", width)
    return "\n".join(lines)


def _indented(text: str, width: int) -> list[str]:
    return ["  " + "  " * bool(index) + line for index, line in enumerate(wrap(text, width - 4))]


def _shown(entry: ImageEntry) -> str:
    look = "" if entry.look is None else f"look {entry.look}, "
    return f"{entry.take.short} ({look}{entry.level.value})"


def prune_text(chosen: Chosen, *, width: int = 80) -> str:
    """What would be taken out of the lock."""
    lines = []
    if chosen.pruned:
        lines += [f"would be taken out: {len(chosen.pruned)}", *(f"  {name}" for name in chosen.pruned)]
        lines += unnamed_words(chosen, "if a picture has only got another name, build it first, and that has them")
    if chosen.kept_on_purpose:
        lines.append(kept_words(chosen))
    told = lines or ["everything in the lock is in the manifest: there is nothing to prune"]
    return "\n".join(part for line in told for part in wrap(line, width))


def unnamed_words(chosen: Chosen, hint: str) -> list[str]:
    """Of takes that go with the lines; nothing where others name them."""
    count = len(chosen.unnamed)
    they = (
        "1 take stands in no other line; it stays" if count == 1 else f"{count} takes stand in no other line; they stay"
    )
    return [f"{they} in the store and in the record of decisions; {hint}"] if count else []


def kept_words(chosen: Chosen) -> str:
    names = ", ".join(chosen.kept_on_purpose[:5]) + (" …" if len(chosen.kept_on_purpose) > 5 else "")
    return f"stays, because a person chose it: {names} (name it to take it out)"

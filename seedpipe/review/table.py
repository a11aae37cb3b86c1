"""Small tables for people: columns with a title, for a terminal as many as there is room for. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from seedpipe.display import Style, display_width, pad, pad_left
from seedpipe.review.markup import markdown_words


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its title, a cell for each row, and whether it is numbers."""

    title: str
    cells: Sequence[str]
    right: bool = False

    @property
    def width(self) -> int:
        return max(map(display_width, (self.title, *self.cells)))

    def cell(self, text: str) -> str:
        return pad_left(text, self.width) if self.right else pad(text, self.width)


def fitting(columns: Sequence[Column], width: int) -> Sequence[Column]:
    """As many from the left as there is room for."""
    used = 0
    for number, column in enumerate(columns):
        used += 2 + column.width
        if used > width:
            return columns[: max(number, 1)]
    return columns


def table(columns: Sequence[Column], style: Style) -> list[str]:
    """The titles, dim, and a line for each row."""
    title = "  " + "  ".join(column.cell(column.title) for column in columns)
    rows = zip(*([column.cell(cell) for cell in column.cells] for column in columns), strict=True)
    return [style.dim(title.rstrip()), *(("  " + "  ".join(row)).rstrip() for row in rows)]


def markdown_table(columns: Sequence[Column]) -> list[str]:
    """The same in Markdown, of plain words."""
    head = "| " + " | ".join(markdown_words(column.title) for column in columns) + " |"
    rule = "|" + "|".join("--:" if column.right else "---" for column in columns) + "|"
    cells = zip(*(column.cells for column in columns), strict=True)
    return [head, rule, *("| " + " | ".join(map(markdown_words, row)) + " |" for row in cells)]

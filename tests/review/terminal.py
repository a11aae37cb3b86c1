"""A terminal as far as our displays use one: what a person would see after some bytes."""

import re

from seedpipe.display import char_width

_TOKEN = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|(.)", re.DOTALL)


class Terminal:
    """Rows grow without end, as if one could scroll back; wide lines are broken at `columns`."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.rows: list[list[str]] = [[]]
        self.broken: list[bool] = [False]  # whether a row goes on in the next
        self.row = self.column = 0

    def feed(self, text: str) -> None:
        for match in _TOKEN.finditer(text):
            number, letter, char = match.groups()
            if letter is not None:
                self._control(number, letter)
            elif char == "\r":
                self.column = 0
            elif char == "\n":
                self._down()
                self.column = 0  # the terminal driver's ONLCR
            else:
                assert char.isprintable(), f"{char!r} reached the terminal"
                self._put(char)

    def _control(self, number: str, letter: str) -> None:
        if letter == "A":
            self.row -= int(number)
            assert self.row >= 0, "moved above the first line"
        elif letter == "K":
            del self.rows[self.row][self.column :]
            self.broken[self.row] = False
        elif letter == "J":
            del self.rows[self.row][self.column :]
            del self.rows[self.row + 1 :], self.broken[self.row + 1 :]
            self.broken[self.row] = False
        else:
            assert letter in "mhl", f"unknown control {letter}"

    def resize(self, columns: int) -> None:
        """The window is made wider or narrower: lines are broken anew, the cursor stays at its letter."""
        place, lines = (0, 0), [list[str]()]
        for number, row in enumerate(self.rows):
            if number == self.row:
                place = (len(lines) - 1, len(lines[-1]) + self.column)
            lines[-1] += row
            if not self.broken[number]:
                lines.append([])
        self.columns, self.rows, self.broken = columns, [], []
        for number, line in enumerate(lines[:-1]):
            parts = [line[at : at + columns] for at in range(0, len(line), columns)] or [[]]
            if number == place[0]:
                self.row, self.column = len(self.rows) + place[1] // columns, place[1] % columns
            self.rows += parts
            self.broken += [*([True] * (len(parts) - 1)), False]

    def _down(self, *, goes_on: bool = False) -> None:
        self.broken[self.row] = goes_on
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append([])
            self.broken.append(False)

    def _put(self, char: str) -> None:
        width = char_width(char)
        if self.column + width > self.columns:
            self._down(goes_on=True)
            self.column = 0
        row = self.rows[self.row]
        row.extend([" "] * (self.column + width - len(row)))
        row[self.column] = char
        for place in range(self.column + 1, self.column + width):
            row[place] = ""
        self.column += width

    @property
    def text(self) -> str:
        return "\n".join("".join(row).rstrip() for row in self.rows)

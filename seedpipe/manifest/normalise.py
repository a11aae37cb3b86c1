"""How every text is normalised before it is sent and keyed. Frozen: a change here would re-buy pictures."""

import unicodedata


def normalise_text(text: str) -> str:
    """NFC; CRLF and CR become LF; blanks at the end of lines and empty lines at both ends are removed.

    Blanks are the space and the tab. The indentation of the first line stays.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\n" not in text:
        return text.rstrip(" \t")
    return "\n".join(line.rstrip(" \t") for line in text.split("\n")).strip("\n")

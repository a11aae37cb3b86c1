"""Words of a manifest within markup: they can't ping, link, draw or break out. Pure."""

import re
from html import escape
from typing import Final

from seedpipe.display import shown

_MARKS: Final = re.compile(r"([\\`*_{}\[\]()#+!|~$>-])")


def markdown_code(text: str) -> str:
    return "`" + shown(text).replace("`", "'").replace("|", "\\|") + "`"


def markdown_words(text: str) -> str:
    """Plain words: no markup, no HTML, nobody mentioned, no issue linked."""
    text = shown(text).replace("&", "&amp;").replace("<", "&lt;")
    text = _MARKS.sub(r"\\\1", text)
    return text.replace("@", "@<!-- -->").replace("\\#", "\\#<!-- -->").replace("://", ":<!-- -->//")


def html_words(text: str) -> str:
    return escape(shown(text), quote=True)

"""Names of models: the form in which they are compared, and what looks like an inference endpoint."""

from typing import Final

_PREFIXES: Final = ("doubao-", "dola-", "bytedance-")


def normal_name(name: str) -> str:
    """The form in which names are compared: `Doubao-Seedream-4.5` and `seedream_4-5` are one."""
    text = name.strip().lower()
    for blank in "_. ":
        text = text.replace(blank, "-")
    for prefix in _PREFIXES:
        text = text.removeprefix(prefix)
    return text


def is_endpoint(name: str) -> bool:
    """Whether `name` is that of an inference endpoint: it doesn't say which model stands behind it (KB)."""
    return name.strip().lower().startswith("ep-")

"""`each`: what is written there → the values that something is made for, one by one."""

import re
from typing import Any, Final

from seedpipe.manifest.definition import Place
from seedpipe.manifest.findings import BadValueError, Findings
from seedpipe.manifest.matrix import Item
from seedpipe.manifest.rows import Row, Table
from seedpipe.manifest.scope import Scope
from seedpipe.manifest.template import TemplateError
from seedpipe.manifest.values import describe, is_template

_SPLIT: Final = re.compile(r"[,;]")


def each_value(
    written: str | list[Any], place: Place, item: Item, scope: Scope, findings: Findings
) -> list[Any] | None:
    """The values of a list, of a table or list by name, of a template, or of text split at `,` or `;`.

    None after a fault, which is added to the findings.
    """
    try:
        if isinstance(written, list):
            return [scope.render(one, item.values).strip() if isinstance(one, str) else one for one in written]
        value = scope.library.evaluate(written, item.values) if is_template(written) else written
    except TemplateError as error:
        findings.template(item.address, place, error)
        return None
    if isinstance(value, str) and not is_template(written):
        named = scope.list_named(value)
        value = value if named is None else named
    if isinstance(value, str):
        return [part.strip() for part in _SPLIT.split(value) if part.strip()]
    if value is None or isinstance(value, list | tuple | Table):
        return [] if value is None else list(value)
    if isinstance(value, Row | int | float) and not isinstance(value, bool):
        return [value]
    message = f"`each` wants a list, or text split at `,` or `;`; found {describe(value)}"
    findings.bad(item.address, place.position, BadValueError(message))
    return None

"""Other looks at a plan than its rows: sums by a value, and by each model. Pure."""

from dataclasses import dataclass
from typing import Any

from seedpipe.display import PLAIN, Style
from seedpipe.names import Realm
from seedpipe.plan.compare_models import Comparison
from seedpipe.plan.grouping import Grouping
from seedpipe.plan.plan import Plan
from seedpipe.review.compare_text import compare_markdown, compare_text
from seedpipe.review.grouping_text import grouping_markdown, grouping_text
from seedpipe.review.plan_text import MIN_WIDTH, NO_CAPS, Caps, hint_lines, plan_title, proof_lines, sum_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """Those that a person asked for."""

    grouping: Grouping | None = None
    comparison: Comparison | None = None

    def text(self, plan: Plan, *, caps: Caps = NO_CAPS, width: int = 80, style: Style = PLAIN) -> str | None:
        """In the place of the rows; None if nobody asked."""
        width = max(width, MIN_WIDTH)
        parts = []
        if self.grouping is not None:
            sums = proof_lines(plan, width, style) if plan.realm is Realm.PROOF else sum_lines(plan, caps, width, style)
            table = grouping_text(plan, self.grouping, width=width, style=style)
            parts.append("\n".join([table, "", *sums, *hint_lines(plan, width, style)]))
        if self.comparison is not None:
            parts.append(compare_text(plan, self.comparison, width=width, style=style))
        return "\n\n".join([plan_title(plan, width, style), *parts]) if parts else None

    def markdown(self, plan: Plan) -> str:
        """Below the plan itself."""
        parts = []
        if self.grouping is not None:
            parts.append("\n" + grouping_markdown(plan, self.grouping))
        if self.comparison is not None:
            parts.append("\n" + compare_markdown(plan, self.comparison))
        return "".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """What stands beside the plan in its JSON."""
        views: dict[str, Any] = {}
        if self.grouping is not None:
            views["by"] = self.grouping.to_dict()
        if self.comparison is not None:
            views["compared"] = self.comparison.to_dict()
        return views

"""JSON Schemas of what is said about money that was spent: `spend --json`, `spend reconcile --json`."""

from seedpipe.plan.schema_parts import (
    AMOUNT,
    COUNT,
    FLAG,
    MONEY,
    TEXT,
    TEXTS,
    TIME,
    Schema,
    answer,
    list_of,
    map_of,
    object_of,
    one_of,
    or_null,
    said,
)
from seedpipe.state.ledger import Grouping


def spend_schema() -> Schema:
    sums = {
        "currency": TEXT,
        "pictures": COUNT,
        "estimated": AMOUNT,
        "charged": AMOUNT,
        "uncertain": AMOUNT,
        "under_way": AMOUNT,
    }
    line = object_of({"name": said(or_null(TEXT), "Null: those that have none."), "requests": COUNT, **sums})
    request = {
        **sums,
        "sent_at": TIME,
        "project": TEXT,
        "nodes": TEXTS,
        "model": TEXT,
        "provider": TEXT,
        "person": or_null(TEXT),
        "profile": or_null(TEXT),
        "tags": TEXTS,
        "state": TEXT,
        "request": TEXT,
        "request_id": or_null(TEXT),
        "client_request_id": or_null(TEXT),
    }
    month = {
        "month": said(TEXT, "`2026-11`."),
        "currency": TEXT,
        "whole_days": COUNT,
        "days_with_spending": COUNT,
        "days_in_month": COUNT,
        "charged": AMOUNT,
        "uncertain": AMOUNT,
        "under_way": said(AMOUNT, "Sent, or paid and not fetched yet."),
        "expected_at_the_end": or_null(AMOUNT),
        "name": TEXT,
        "budget": or_null(AMOUNT),
        "over_budget": said(FLAG, "At this pace."),
    }
    body = {
        "projects": TEXTS,
        "since": or_null(TEXT),
        "until": or_null(TEXT),
        "by": one_of(Grouping),
        "lines": said(list_of({"oneOf": [line, object_of(request)]}), "Requests with `--by request`, else sums."),
        "totals": said(list_of(line), "One for each currency."),
        "months": list_of(object_of(month)),
        "proofs": object_of({"requests": COUNT, "pictures": COUNT}),
        "troubles": said(TEXTS, "Journals that could not be read."),
    }
    return answer("spend", "What was spent", "`spend --json`.", body)


def reconcile_schema() -> Schema:
    entry = {
        "project": TEXT,
        "nodes": TEXTS,
        "request": TEXT,
        "request_id": or_null(TEXT),
        "client_request_id": or_null(TEXT),
        "sent_at": TIME,
        "state": TEXT,
        "charged": MONEY,
        "uncertain": MONEY,
    }
    billed = object_of({"pictures": or_null(COUNT), "amount": or_null(TEXT)})
    lines = said(list_of(COUNT), "Of the export, from 1.")
    match = {
        **entry,
        "lines": lines,
        "by_time": FLAG,
        "differs": FLAG,
        "ours": object_of({"pictures": COUNT, "amount": MONEY}),
        "theirs": billed,
    }
    usage = {
        "line": COUNT,
        "day": TEXT,
        "model": or_null(TEXT),
        "pictures": or_null(COUNT),
        "amount": or_null(TEXT),
        "request_id": or_null(TEXT),
    }
    group = {
        "day": TEXT,
        "model": or_null(TEXT),
        "agrees": FLAG,
        "ours": list_of(object_of(entry)),
        "lines": lines,
        "theirs": billed,
    }
    suggestion = {
        "project": TEXT,
        "request": TEXT,
        "word": {"enum": ["paid", "not paid"]},
        "why": TEXT,
        "command": TEXT,
    }
    body = {
        "first": said(or_null(TEXT), "Day."),
        "last": or_null(TEXT),
        "agrees": FLAG,
        "compared": said(COUNT, "Requests of ours in the days of the export."),
        "elsewhere": said(list_of(object_of(entry)), "Uncertain charges of other days."),
        "unclear": said(
            list_of(object_of({"ours": list_of(object_of(entry)), "lines": lines})), "Who fits whom can't be told."
        ),
        "columns": said(map_of(TEXT), "From which column each field was read."),
        "matched": list_of(object_of(match)),
        "ours_only": list_of(object_of(entry)),
        "theirs_only": list_of(object_of(usage)),
        "other_models": list_of(object_of(usage)),
        "groups": list_of(object_of(group)),
        "suggestions": said(list_of(object_of(suggestion)), "What you may say of uncertain charges."),
        "not_understood": list_of(object_of({"line": COUNT, "why": TEXT})),
    }
    return answer("reconcile", "The ledger beside a provider's bill", "`spend reconcile --json`.", body)

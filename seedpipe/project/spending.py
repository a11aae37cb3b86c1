"""What the caps of a project hold already: by its own journal, and by all projects of the user's data folder."""

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from seedpipe.money import Money
from seedpipe.project.project import Project
from seedpipe.state.caps import Cap
from seedpipe.state.home import home_folder
from seedpipe.state.journal import Journal
from seedpipe.state.spent import Spent
from seedpipe.state.wallet import Wallet


def wallet_of(project: Project) -> Wallet:
    """Of a project that was never built here, too: the others may have spent."""
    home = home_folder(os.environ)
    own = home if project.project_id is None else project.state(project.project_id).journal
    return Wallet(home, own)


def used_under(caps: Iterable[Cap], journal: Journal | None, wallet: Wallet | None) -> Mapping[Cap, Spent]:
    """Cap → what its day, month or project holds now; a build begins its own run with nothing.

    Raises `StateError` where another project's journal has to be asked and can't be read.
    """
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    found = {}
    for cap in caps:
        if not cap.kind.lasts:
            continue
        scope, currency = cap.scope(run="", address=None, day=today), cap.limit.currency
        nothing = Money.zero(currency)
        spent = Spent(charged=nothing, open=nothing, uncertain=nothing)
        if journal is not None:
            spent += journal.spent(scope, currency)
        if wallet is not None and cap.over_all_projects:
            spent += wallet.elsewhere(scope, currency)
        found[cap] = spent
    return found

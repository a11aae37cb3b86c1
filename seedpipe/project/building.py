"""One build of a project from end to end: recover, plan, ask, execute. The command line only words it."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from seedpipe.build.budget import Limits
from seedpipe.build.earlier_takes import EarlierTakes
from seedpipe.build.execute import Executor
from seedpipe.build.heeding import Heeder
from seedpipe.build.make_derived import DerivedMaker
from seedpipe.build.make_frames import FrameBuyer
from seedpipe.build.make_image import ImageMaker
from seedpipe.build.make_source import SourceMaker
from seedpipe.build.orders import OrderMaker
from seedpipe.build.pictures import Pictures
from seedpipe.build.purchase import Buyer
from seedpipe.build.receive import Receiver
from seedpipe.build.report import Report, Result
from seedpipe.build.standing import work_of
from seedpipe.catalogue.names import normal_name
from seedpipe.events import BuildFinished, BuildStarted, Event, Recovered
from seedpipe.manifest.node import DerivedNode
from seedpipe.manifest.steps import Text
from seedpipe.names import Digest, Realm
from seedpipe.plan.forecast import node_seconds
from seedpipe.plan.orphans import left_over
from seedpipe.plan.outputs import files_of_choices
from seedpipe.plan.plan import Plan
from seedpipe.plan.select import Wish
from seedpipe.project.limits import open_limiters
from seedpipe.project.memory import Recollection
from seedpipe.project.project import Project
from seedpipe.project.service import dialect_of
from seedpipe.project.spending import used_under, wallet_of
from seedpipe.project.trust import Endpoint
from seedpipe.project.who import who_decides
from seedpipe.service.addresses import is_loopback_url
from seedpipe.service.client import ServiceClient
from seedpipe.state.caps import Cap, CapKind
from seedpipe.state.decisionfile import load_decisions
from seedpipe.state.files import make_folder
from seedpipe.state.home import account_of, home_folder
from seedpipe.state.journal import Journal
from seedpipe.state.lockfile import LockWriter
from seedpipe.state.requests import Recovery, RequestState, ToFetch, Told
from seedpipe.state.spent import Scope, Spent
from seedpipe.state.store import Store
from seedpipe.state.takes import Takes
from seedpipe.state.wallet import Wallet


@dataclass(slots=True, kw_only=True)
class Workshop:
    """What is open while a project is being built. Close it with the context manager `open_workshop`."""

    project: Project
    project_id: str
    account: str
    journal: Journal
    store: Store
    takes: Takes
    memory: Recollection
    recovery: Recovery = field(repr=False)
    to_fetch: Sequence[ToFetch]  # paid pictures that are still at the provider

    def use(self, endpoint: Endpoint) -> None:
        """From now on requests belong to the account behind `endpoint`."""
        self.account = account_of(endpoint.base_url, endpoint.key, home_folder(os.environ))
        self.journal.account = self.account

    def used_under(self, caps: Sequence[Cap]) -> Mapping[Cap, Spent]:
        """What the caps on a day, a month or the project hold already."""
        return used_under(caps, self.journal, wallet_of(self.project))

    def spent_on(self, address: str, currency: str) -> Spent:
        """What a picture cost so far, over the project's life."""
        return self.journal.spent(Scope(address=address), currency)


@contextlib.contextmanager
def open_workshop(project: Project, endpoint: Endpoint | None) -> Iterator[Workshop]:
    """Opens journal, store and index, and closes what a dead build left open. Spends nothing."""
    home = home_folder(os.environ)
    make_folder((project.root / project.lock_name).parent, 0o777)
    make_folder(project.folder, 0o777)
    project, project_id = project.identified()
    project.write_moved()
    places = project.state(project_id)
    places.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    account = account_of(endpoint.base_url, endpoint.key, home) if endpoint else "none"
    if project.realm is Realm.PROOF:
        account = "proof"
    wallet = Wallet(home, places.journal) if project.realm is Realm.LIVE else None
    journal = Journal.open(places.journal, account=account, wallet=wallet)
    store = Store(places.store)
    takes = Takes(places.takes, arrivals=journal.arrivals)
    try:
        recovery = journal.recover()
        if takes.needs_rebuild:
            takes.rebuild(journal.arrivals())
        takes.catch_up(*journal.arrivals_from(takes.mark))
        memory = Recollection(
            files=project.files,
            lock=project.lock,
            outputs=project.placed_outputs(),
            store=store,
            takes_index=takes,
            journal=journal,
        )
        yield Workshop(
            project=project,
            project_id=project_id,
            account=account,
            journal=journal,
            store=store,
            takes=takes,
            memory=memory,
            recovery=recovery,
            to_fetch=journal.to_fetch(),
        )
    finally:
        takes.close()
        store.close()
        journal.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How a plan is to be carried out. `fetched` says what came for nothing before it began (`fetch_located`)."""

    workers: int
    limits: Limits
    fetched: Sequence[Told] = ()
    fail_fast: bool = False
    retry_unknown: bool = False


def carry_out(
    workshop: Workshop, plan: Plan, endpoint: Endpoint | None, run: Run, emit: Callable[[Event], None]
) -> Result:
    """Executes `plan`; returns when everything that was begun is kept, or a second interrupt cut it."""
    return asyncio.run(_carry_out(workshop, plan, endpoint, run, emit))


async def _carry_out(
    workshop: Workshop, plan: Plan, endpoint: Endpoint | None, run: Run, emit: Callable[[Event], None]
) -> Result:
    began = time.monotonic()
    project = workshop.project
    target = endpoint or Endpoint(provider=project.provider, base_url="https://nowhere.invalid", key="none")
    provider = project.catalogue.provider(project.provider)
    report = Report(emit=emit, clock=lambda: time.monotonic() - began)
    user = who_decides(project.root) if plan.pictures else ""
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            ServiceClient(target.base_url, target.key, dialect=dialect_of(provider))
        )
        limiter = stack.enter_context(open_limiters(project, workshop.account, target))
        # A run that buys nothing leaves no trace in the journal: the memo of the no-op rests on that.
        begin = workshop.journal.begin_run
        journal_run = await asyncio.to_thread(begin, realm=project.realm, user=user) if plan.pictures else ""
        buyer = Buyer(
            journal=workshop.journal,
            client=client,
            receiver=_receiver(workshop, client, target, report),
            limiter=limiter,
            caps=run.limits.caps if project.realm is Realm.LIVE else (),
            run=journal_run,
            profile=project.profile,
            report=report,
            slots=asyncio.Semaphore(run.workers),
            stopping=asyncio.Event(),
        )
        executor = _executor(workshop, plan, run, buyer)
        emit(_started(executor, run))
        for told in (*workshop.recovery.told, *run.fetched):
            emit(_recovered(told, report))
        with _signals(executor):
            result = await executor.run()
        spent = await asyncio.to_thread(workshop.journal.spent, Scope(run=journal_run), plan.currency)
    emit(
        BuildFinished(
            at=report.clock(),
            counts=tuple(sorted(result.counts.items())),
            bought=result.bought,
            spent=spent.charged,
            uncertain=spent.uncertain + spent.open,  # what is paid and waits at the provider, too
            seconds=report.clock(),
            exit_code=int(result.exit_code),
        )
    )
    return result


def _recovered(told: Told, report: Report) -> Recovered:
    request = told.request
    return Recovered(
        at=report.clock(),
        sentence=told.sentence,
        address=request.address,
        request=request.id,
        client_request_id=request.client_request_id,
        request_id=request.request_id,
    )


async def fetch_located(workshop: Workshop, endpoint: Endpoint) -> Sequence[Told]:
    """Paid pictures whose addresses an earlier build wrote down, fetched for nothing. Returns a sentence for each.

    Of a request that is held anyway nothing is said while nothing comes.
    """
    told = []
    report = Report(emit=lambda _event: None, clock=time.monotonic)
    async with ServiceClient(endpoint.base_url, endpoint.key) as client:
        receiver = _receiver(workshop, client, endpoint, report)
        for waiting in workshop.to_fetch:
            takes = await receiver.fetch_again(waiting)
            if not takes and waiting.request.state is RequestState.UNKNOWN:
                continue
            came = f"{len(takes)} of {len(waiting.located)} paid pictures fetched for nothing"
            told.append(Told(request=waiting.request, sentence=f"`{waiting.request.address}`: {came}"))
    return told


def _receiver(workshop: Workshop, client: ServiceClient, endpoint: Endpoint, report: Report) -> Receiver:
    return Receiver(
        journal=workshop.journal,
        store=workshop.store,
        takes=workshop.takes,
        client=client,
        provider=workshop.project.provider,
        report=report,
        api_is_loopback=is_loopback_url(endpoint.base_url),
        model_of=lambda name: workshop.project.catalogue.names.get(normal_name(name)),
    )


def _executor(workshop: Workshop, plan: Plan, run: Run, buyer: Buyer) -> Executor:
    """The makers of each kind of node around one set of pictures, one lock and one report."""
    project, report, takes = workshop.project, buyer.report, workshop.takes
    outputs = workshop.memory.outputs
    pictures = Pictures(
        plan=plan,
        store=workshop.store,
        outputs=outputs,
        report=report,
        files_of=files_of_choices(project.lock, project.outputs, project.output_folder),
    )
    lock = LockWriter(
        project.root / project.lock_name,
        shown_as=project.lock_name,
        base=project.lock,
        project=workshop.project_id,
        mutex=project.lock_mutex,
    )

    async def fetch_url(url: str) -> Digest:
        target = workshop.store.temporary()
        fetched = await buyer.client.fetch_source(url, target)
        return await asyncio.to_thread(workshop.store.keep_file, target, fetched.digest)

    return Executor(
        plan=plan,
        graph=project.graph,
        lock=lock,
        outputs=outputs,
        buyer=buyer,
        sources=SourceMaker(
            pictures=pictures,
            takes=takes,
            lock=lock,
            report=report,
            picture_path=project.files.picture_path,
            fetch_url=fetch_url,
        ),
        derived=DerivedMaker(
            graph=project.graph,
            pictures=pictures,
            takes=takes,
            lock=lock,
            report=report,
            fonts=_fonts(project, workshop.memory),
        ),
        images=_image_maker(workshop, pictures, lock, buyer, retry_unknown=run.retry_unknown),
        heeder=Heeder(pictures=pictures, lock=lock),
        report=report,
        work=work_of(plan, project.graph, project.lock),
        workers=run.workers,
        seconds=node_seconds(plan, project.latencies(workshop.memory)),
        fail_fast=run.fail_fast,
    )


def _image_maker(
    workshop: Workshop, pictures: Pictures, lock: LockWriter, buyer: Buyer, *, retry_unknown: bool
) -> ImageMaker:
    project, report, takes, store = workshop.project, buyer.report, workshop.takes, workshop.store
    resolver = project.resolver()
    orders = OrderMaker(
        catalogue=project.catalogue,
        provider=project.provider,
        store=store,
        report=report,
        retry_unknown=retry_unknown,
    )
    frames = FrameBuyer(
        graph=project.graph,
        resolver=resolver,
        pictures=pictures,
        orders=orders,
        buyer=buyer,
        report=report,
        at_hand=lambda want: [take for take in takes.of(want) if store.has(take.digest)],
        entry=lock.entry,
    )
    return ImageMaker(
        graph=project.graph,
        resolver=resolver,
        pictures=pictures,
        takes=takes,
        lock=lock,
        buyer=buyer,
        orders=orders,
        frames=frames,
        earlier=EarlierTakes(
            journal=workshop.journal,
            takes=takes,
            left_over=left_over(project.lock, project.graph.addresses),
            decided=lambda: load_decisions(project.root / project.decisions_name, shown_as=project.decisions_name),
            moved=[(one.old, one.new) for one in project.manifest.moved],
            profile=project.profile,
        ),
        report=report,
    )


def _fonts(project: Project, memory: Recollection) -> Mapping[str | None, tuple[Digest, Path]]:
    named = {
        step.font
        for node in project.graph
        if isinstance(node, DerivedNode)
        for step in node.steps
        if isinstance(step, Text)
    }
    return {font: (memory.font_digest(font), memory.font_path(font)) for font in named}


def _started(executor: Executor, run: Run) -> BuildStarted:
    plan = executor.plan
    return BuildStarted(
        at=0.0,
        project=plan.project,
        realm=plan.realm.value,
        todo=tuple(executor.todo),
        buys=plan.pictures,
        expected=plan.cost.expected,
        high=plan.cost.high,
        cap=run.limits.tightest(CapKind.PER_RUN, plan.currency) if plan.realm is Realm.LIVE else None,
        seconds=plan.time.seconds,
    )


@contextlib.contextmanager
def _signals(executor: Executor) -> Iterator[None]:
    """The first signal drains, the second aborts. A closed terminal only drains: nobody is there to be impatient.

    What was ignored when the process began stays so (`nohup`, a script's job in the background).
    """
    loop = asyncio.get_running_loop()
    words = {
        signal.SIGINT: "interrupted",
        signal.SIGTERM: "asked to end",
        signal.SIGHUP: "its terminal was closed",
    }
    words = {number: why for number, why in words.items() if signal.getsignal(number) is not signal.SIG_IGN}
    for number, why in words.items():
        loop.add_signal_handler(number, partial(executor.interrupt, why, aborts=number is not signal.SIGHUP))
    try:
        yield
    finally:
        for number in words:
            loop.remove_signal_handler(number)


def plan_build(workshop: Workshop, wish: Wish, *, workers: int) -> Plan:
    """The plan of this build, by what is remembered now (recovery may have brought pictures back)."""
    workshop.memory = Recollection(
        files=workshop.project.files,
        lock=workshop.project.lock,
        outputs=workshop.memory.outputs,
        store=workshop.store,
        takes_index=workshop.takes,
        journal=workshop.journal,
    )
    return workshop.project.plan(wish, workshop.memory, workers=workers)

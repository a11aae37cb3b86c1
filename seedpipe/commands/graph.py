"""`seedpipe graph`: how the pictures hang together."""

import click

from seedpipe.commands.invocation import Invocation, json_option, option, pass_invocation, pictures, project_options
from seedpipe.commands.opening import opened
from seedpipe.commands.showing import planned
from seedpipe.limits import ExitCode
from seedpipe.review.graph_svg import graph_svg
from seedpipe.review.graphs import graph_dot, graph_json, graph_mermaid, graph_text


@click.command("graph")
@click.argument("targets", nargs=-1, metavar="[TARGET]...", shell_complete=pictures)
@option(
    "--format",
    "form",
    type=click.Choice(["text", "mermaid", "dot", "svg", "json"]),
    default="text",
    help="How it is written.",
)
@option("--proof", is_flag=True, help="With the states of the proofs.")
@project_options
@json_option
@pass_invocation
def command(
    invocation: Invocation,
    targets: tuple[str, ...],
    form: str,
    proof: bool,
    provider: str | None,
    variables: tuple[str, ...],
    profile: str | None,
    as_json: bool,
) -> int:
    """Show which picture is made from which, with the state of each.

    \b
    Example:
      seedpipe graph
      seedpipe graph --format svg > graph.svg
    """
    project = opened(invocation, profile=profile, variables=variables, provider=provider, proof=proof)
    plan, _ = planned(project, targets)
    console = invocation.console
    match "json" if as_json else form:
        case "mermaid":
            console.out(graph_mermaid(project.graph, plan))
        case "dot":
            console.out(graph_dot(project.graph, plan))
        case "svg":
            console.out(graph_svg(project.graph, plan))
        case "json":
            console.data(graph_json(project.graph, plan))
        case _:
            console.out(graph_text(project.graph, plan, width=console.width, style=console.style, plain=console.plain))
    return ExitCode.DONE

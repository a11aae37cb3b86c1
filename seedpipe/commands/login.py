"""`seedpipe login`: store a key for a host, on this machine, readable by you alone."""

import os
import sys

import click

from seedpipe.commands.invocation import Invocation, option, pass_invocation
from seedpipe.errors import UsageError
from seedpipe.limits import ExitCode
from seedpipe.project.project import users_catalogue
from seedpipe.project.trust import DEFAULT_PROVIDER
from seedpipe.state.credentials import Credentials, check_host
from seedpipe.state.home import config_folder
from seedpipe.state.settings import read_settings


@click.command("login")
@click.argument("provider", required=False, metavar="[PROVIDER]")
@option("--host", metavar="HOST", help="A host of your own (with its port), which you trust with the key.")
@option("--remove", is_flag=True, help="Forget the key.")
@pass_invocation
def command(invocation: Invocation, provider: str | None, host: str | None, remove: bool) -> int:
    """Ask for a key and bind it to the provider's own hosts, or to HOST. It is never taken from the command line.

    \b
    Example:
      seedpipe login apiyi
      seedpipe login --host gateway.example.com
    """
    if host is not None and provider is not None:
        raise UsageError("`--host` and a provider can't both be meant", hint="name the provider, or a host of your own")
    catalogue = users_catalogue(read_settings(config_folder(os.environ)))
    hosts = (host,) if host is not None else catalogue.provider(provider or DEFAULT_PROVIDER).key_places
    credentials = Credentials(config_folder(os.environ))
    shown = ", ".join(hosts)
    if remove:
        gone = [name for name in hosts if credentials.remove(name)]
        invocation.console.note(f"forgot the key for {', '.join(gone)}" if gone else f"there was no key for {shown}")
        return ExitCode.DONE
    if host is not None:
        check_host(host)
    if sys.stdin.isatty():
        key = click.prompt(f"key for {shown}", hide_input=True, err=True)
    else:
        key = sys.stdin.readline()
    for name in hosts:
        credentials.save(name, key)
    invocation.console.note(f"the key for {shown} is in {credentials.path}, readable by you alone")
    return ExitCode.DONE

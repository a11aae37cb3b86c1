"""Which service a build talks to and which key it gets. A manifest may wish; only the user decides.

Keys are bound to hosts: a catalogue provider's key goes to that provider's hosts. Any other base URL, key variable or
lower price works only if the user said so: in the user's settings, by a flag, or in the environment
(`SEEDPIPE_BASE_URL` with `SEEDPIPE_API_KEY` is such a word).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from seedpipe.catalogue.lookup import Catalogue
from seedpipe.catalogue.provider import Provider
from seedpipe.errors import UsageError
from seedpipe.source import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the manifest asks for: a provider of the catalogue, or a base URL that speaks like one."""

    name: str
    base_url: str | None = None
    key_variable: str | None = None
    position: Position | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """What the user trusts: hosts from the settings file, each with the variable that holds its key, if any."""

    hosts: Mapping[str, str | None] = field(default_factory=dict)
    stored_key: Callable[[str], str | None]  # host → key from `seedpipe login`


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where requests go. `provider` names the catalogue's dialect, ids and prices. The key is never shown."""

    provider: str
    base_url: str
    key: str = field(repr=False)

    @property
    def host(self) -> str:
        return host_of(self.base_url)


def host_of(url: str) -> str:
    """Host and, where it isn't the default one, port: what a key is bound to."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower().rstrip(".")
    return f"{host}:{parts.port}" if parts.port is not None else host


def open_endpoint(
    wanted: Wanted, *, catalogue: Catalogue, environ: Mapping[str, str], flag: str | None, trusted: Trusted
) -> Endpoint:
    """Raises `UsageError` for a host that the user doesn't trust and for a key that can't be found."""
    provider = catalogue.provider(flag or wanted.name)
    users_url = environ.get("SEEDPIPE_BASE_URL")
    if users_url:
        return _by_the_users_word(_checked_url(users_url), provider, environ, trusted)
    if flag or wanted.base_url is None:
        return _of_the_catalogue(provider, environ, trusted, chosen_by_user=flag is not None)
    return _by_the_manifests_wish(wanted, wanted.base_url, provider, environ, trusted)


def _checked_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"`SEEDPIPE_BASE_URL` is `{url}`", hint="write it like `https://gateway.example/v1`")
    if parts.username or parts.password:
        raise UsageError("`SEEDPIPE_BASE_URL` holds a user name", hint="the key goes into `SEEDPIPE_API_KEY`")
    return url.rstrip("/")


def _by_the_users_word(url: str, provider: Provider, environ: Mapping[str, str], trusted: Trusted) -> Endpoint:
    key = environ.get("SEEDPIPE_API_KEY") or trusted.stored_key(host_of(url))
    if key is None and host_of(url) in provider.hosts:
        key = _first(environ, provider.key_variables)
    if key is None:
        raise UsageError(
            f"there is no key for `{host_of(url)}`", hint="set `SEEDPIPE_API_KEY` beside `SEEDPIPE_BASE_URL`"
        )
    return Endpoint(provider=provider.id, base_url=url, key=key)


def _of_the_catalogue(
    provider: Provider, environ: Mapping[str, str], trusted: Trusted, *, chosen_by_user: bool
) -> Endpoint:
    key = _first(environ, provider.key_variables) or trusted.stored_key(provider.hosts[0])
    if key is None and chosen_by_user:
        key = environ.get("SEEDPIPE_API_KEY")
    if key is None:
        names = " or ".join(f"`{name}`" for name in provider.key_variables)
        raise UsageError(
            f"there is no key for {provider.title}",
            hint=f"`seedpipe login {provider.id}`, or set {names}; `seedpipe build --proof` needs none",
        )
    return Endpoint(provider=provider.id, base_url=provider.base_url, key=key)


def _by_the_manifests_wish(
    wanted: Wanted, url: str, provider: Provider, environ: Mapping[str, str], trusted: Trusted
) -> Endpoint:
    host = host_of(url)
    if host in provider.hosts and urlsplit(url).scheme == "https":
        endpoint = _of_the_catalogue(provider, environ, trusted, chosen_by_user=False)
        return Endpoint(provider=provider.id, base_url=url.rstrip("/"), key=endpoint.key)
    variable = trusted.hosts.get(host)
    key = trusted.stored_key(host) or (environ.get(variable) if variable else None)
    if host not in trusted.hosts and key is None:
        asks = f" and asks for `{wanted.key_variable}`" if wanted.key_variable else ""
        raise UsageError(
            f"the manifest sends its requests to `{host}`{asks}, a host that you have not said you trust",
            hint=f"if you do: `seedpipe login --host {host}`; no key was sent anywhere",
            position=wanted.position,
        )
    if key is None:
        raise UsageError(
            f"there is no key for `{host}`", hint=f"`seedpipe login --host {host}`", position=wanted.position
        )
    return Endpoint(provider=provider.id, base_url=url.rstrip("/"), key=key)


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((environ[name] for name in names if environ.get(name)), None)

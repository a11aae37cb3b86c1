"""Which service a build talks to and which key it gets. A manifest may wish; only the user decides.

Keys are bound to hosts: a catalogue provider's key goes to that provider's hosts. Any other base URL, key variable or
lower price works only if the user said so: in the user's settings, by a flag, or in the environment
(`SEEDPIPE_BASE_URL` with `SEEDPIPE_API_KEY` is such a word).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from seedpipe.catalogue.lookup import Catalogue
from seedpipe.catalogue.provider import Provider, host_of
from seedpipe.errors import UsageError
from seedpipe.source import Position

DEFAULT_PROVIDER = "apiyi"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the manifest asks for: a provider of the catalogue, or a base URL that speaks like one."""

    name: str | None = None
    base_url: str | None = None
    key_variable: str | None = None
    position: Position | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """What the user trusts: hosts from the settings file, each with the variable that holds its key, if any."""

    hosts: Mapping[str, str | None] = field(default_factory=dict)
    stored_key: Callable[[str], str | None]  # host, or host and path, → key from `seedpipe login`


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where requests go. `provider` names the catalogue's dialect, ids and prices. The key is never shown.

    `key_from` says where the key was found, for people.
    """

    provider: str
    base_url: str
    key: str = field(repr=False)
    key_from: str = ""

    @property
    def host(self) -> str:
        return host_of(self.base_url)


def provider_name(wanted: Wanted, *, catalogue: Catalogue, environ: Mapping[str, str], flag: str | None) -> str:
    """The provider whose ids, dialect and prices hold. A base URL of the catalogue says it by itself.

    Raises `UsageError` for one that nobody knows, or that isn't the one of its base URL.
    """
    if flag:
        return catalogue.provider(flag).id
    users_url = environ.get("SEEDPIPE_BASE_URL")
    owner = catalogue.owner_of(_checked_url(users_url)) if users_url else None
    if owner is not None:
        return owner.id
    try:
        named = catalogue.provider(wanted.name or DEFAULT_PROVIDER)
    except UsageError as error:
        error.position = wanted.position
        raise
    owner = catalogue.owner_of(wanted.base_url) if wanted.base_url else None
    if owner is None or owner is named:
        return named.id
    if wanted.name is None:
        return owner.id
    raise UsageError(  # else a manifest could choose whose prices count
        f"`{wanted.base_url}` is `{owner.id}`, not `{named.id}`",
        hint=f"write `provider: {owner.id}`",
        position=wanted.position,
    )


def other_host(wanted: Wanted, *, provider: Provider, environ: Mapping[str, str], flag: str | None) -> str | None:
    """Where requests would go, if that is none of the provider's own addresses; said whether or not it is trusted."""
    users_url = environ.get("SEEDPIPE_BASE_URL")
    url = _checked_url(users_url) if users_url else None if flag else wanted.base_url
    return None if url is None or provider.owns(url) else host_of(url)


def open_endpoint(
    wanted: Wanted, *, catalogue: Catalogue, environ: Mapping[str, str], flag: str | None, trusted: Trusted
) -> Endpoint:
    """Raises `UsageError` for a host that the user doesn't trust and for a key that can't be found."""
    provider = catalogue.provider(provider_name(wanted, catalogue=catalogue, environ=environ, flag=flag))
    users_url = environ.get("SEEDPIPE_BASE_URL")
    if users_url:
        return _by_the_users_word(_checked_url(users_url), provider, environ, trusted)
    if flag or wanted.base_url is None:
        return _of_the_catalogue(provider, environ, trusted, chosen_by_user=flag is not None)
    return _by_the_manifests_wish(wanted, wanted.base_url.rstrip("/"), provider, environ, trusted)


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_sound = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_sound = False
    if not is_sound:
        raise UsageError(f"`SEEDPIPE_BASE_URL` is `{url}`", hint="write it like `https://gateway.example/v1`")
    if parts.username or parts.password:
        raise UsageError("`SEEDPIPE_BASE_URL` holds a user name", hint="the key goes into `SEEDPIPE_API_KEY`")
    return url.rstrip("/")


def _by_the_users_word(url: str, provider: Provider, environ: Mapping[str, str], trusted: Trusted) -> Endpoint:
    own = environ.get("SEEDPIPE_API_KEY")
    key = (own, "`SEEDPIPE_API_KEY`") if own else None
    if key is None and provider.owns(url):
        key = _key_of(provider, url, environ, trusted)
    key = key or _stored(trusted, host_of(url))
    if key is None:
        raise UsageError(
            f"there is no key for `{host_of(url)}`", hint="set `SEEDPIPE_API_KEY` beside `SEEDPIPE_BASE_URL`"
        )
    return Endpoint(provider=provider.id, base_url=url, key=key[0], key_from=key[1])


def _of_the_catalogue(
    provider: Provider, environ: Mapping[str, str], trusted: Trusted, *, chosen_by_user: bool, url: str | None = None
) -> Endpoint:
    url = url or provider.base_url
    key = _key_of(provider, url, environ, trusted)
    if key is None and chosen_by_user and environ.get("SEEDPIPE_API_KEY"):
        key = environ["SEEDPIPE_API_KEY"], "`SEEDPIPE_API_KEY`"
    if key is None:
        names = " or ".join(f"`{name}`" for name in provider.key_variables)
        raise UsageError(
            f"there is no key for {provider.title}",
            hint=f"`seedpipe login {provider.id}`, or set {names}; `seedpipe build --proof` needs none",
        )
    return Endpoint(provider=provider.id, base_url=url, key=key[0], key_from=key[1])


def _by_the_manifests_wish(
    wanted: Wanted, url: str, provider: Provider, environ: Mapping[str, str], trusted: Trusted
) -> Endpoint:
    if provider.owns(url):
        return _of_the_catalogue(provider, environ, trusted, chosen_by_user=False, url=url)
    host = host_of(url)
    variable = trusted.hosts.get(host)
    key = _stored(trusted, host)
    if key is None and variable and environ.get(variable):
        key = environ[variable], f"`{variable}`"
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
    return Endpoint(provider=provider.id, base_url=url, key=key[0], key_from=key[1])


def _key_of(provider: Provider, url: str, environ: Mapping[str, str], trusted: Trusted) -> tuple[str, str] | None:
    """The provider's key for one of its own addresses, and where it was found: the environment is nearer."""
    for name in provider.key_variables:
        if environ.get(name):
            return environ[name], f"`{name}`"
    near = url.partition("://")[2] if provider.keys_apart else host_of(url)
    return next((key for place in (near, *provider.key_places) if (key := _stored(trusted, place))), None)


def _stored(trusted: Trusted, place: str) -> tuple[str, str] | None:
    key = trusted.stored_key(place)
    return None if key is None else (key, "`seedpipe login`")

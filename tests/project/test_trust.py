"""Which address is asked with which key: every way in which environment, login, flag and manifest can say it."""

import pytest

from seedpipe.catalogue.catalogue import load_catalogue
from seedpipe.errors import UsageError
from seedpipe.project.trust import Endpoint, Trusted, Wanted, open_endpoint
from seedpipe.source import Position

HERE = Position("seedpipe.yaml", 3, 11)
MINE = b"providers: {mine: {like: apiyi, title: Mine, bases: ['https://gate.example:8443/v1']}}"
STORED = {
    "api.apiyi.com": "apiyi-stored",
    "ark.cn-beijing.volces.com": "volc-stored",
    "ark.cn-beijing.volces.com/api/plan/v3": "plan-stored",
    "ark.eu-west.bytepluses.com": "dublin-stored",
    "gate.example:8443": "mine-stored",
    "other.example": "other-stored",
}


def opened(
    wanted: Wanted, environ: dict[str, str] | None = None, *, flag: str | None = None, stored: bool = True
) -> Endpoint:
    return open_endpoint(
        wanted,
        catalogue=load_catalogue([("user.yaml", MINE)]),
        environ=environ or {},
        flag=flag,
        trusted=Trusted(hosts={"env.example": "ENV_KEY"}, stored_key=STORED.get if stored else {}.get),
    )


@pytest.mark.parametrize(
    ("provider", "environ", "url", "key", "key_from"),
    [
        (None, {}, "https://api.apiyi.com/v1", "apiyi-stored", "`seedpipe login`"),
        ("apiyi", {"APIYI_API_KEY": "e"}, "https://api.apiyi.com/v1", "e", "`APIYI_API_KEY`"),
        ("apiyi", {"APIYI_API_KEY": ""}, "https://api.apiyi.com/v1", "apiyi-stored", "`seedpipe login`"),
        ("byteplus", {"ARK_API_KEY": "e"}, "https://ark.ap-southeast.bytepluses.com/api/v3", "e", "`ARK_API_KEY`"),
        ("byteplus-eu", {}, "https://ark.eu-west.bytepluses.com/api/v3", "dublin-stored", "`seedpipe login`"),
        ("volcengine", {}, "https://ark.cn-beijing.volces.com/api/v3", "volc-stored", "`seedpipe login`"),
        ("volcengine-plan", {}, "https://ark.cn-beijing.volces.com/api/plan/v3", "plan-stored", "`seedpipe login`"),
        ("mine", {"APIYI_API_KEY": "e"}, "https://gate.example:8443/v1", "mine-stored", "`seedpipe login`"),
        ("mine", {"MINE_API_KEY": "e"}, "https://gate.example:8443/v1", "e", "`MINE_API_KEY`"),
    ],
)
def test_a_provider_of_the_catalogue(
    provider: str | None, environ: dict[str, str], url: str, key: str, key_from: str
) -> None:
    found = opened(Wanted(name=provider), environ)
    assert (found.provider, found.base_url) == (provider or "apiyi", url)
    assert (found.key, found.key_from) == (key, key_from)


@pytest.mark.parametrize("name", ["byteplus", "volcengine-plan"])
def test_a_key_for_elsewhere_is_no_key(name: str) -> None:
    """`ARK_API_KEY` is none of the plan's, and nobody logged in at Johor."""
    environ = {"APIYI_API_KEY": "e", "ARK_API_KEY": "e"} if name == "volcengine-plan" else {"APIYI_API_KEY": "e"}
    with pytest.raises(UsageError, match="there is no key for") as found:
        opened(Wanted(name=name), environ, stored=False)
    assert f"`seedpipe login {name}`" in (found.value.hint or "")
    assert opened(Wanted(), {"SEEDPIPE_API_KEY": "u"}, flag=name, stored=False).key == "u", "a flag is the user's word"


@pytest.mark.parametrize(
    ("url", "environ", "provider", "key"),
    [
        ("https://ark.eu-west.bytepluses.com/api/v3/", {"SEEDPIPE_API_KEY": "u"}, "byteplus-eu", "u"),
        ("https://ark.eu-west.bytepluses.com/api/v3", {}, "byteplus-eu", "dublin-stored"),
        ("https://vip.apiyi.com/v1", {"APIYI_API_KEY": "e"}, "apiyi", "e"),
        ("https://ark.cn-beijing.volces.com/api/plan/v3", {"ARK_API_KEY": "e"}, "volcengine-plan", "plan-stored"),
        ("http://127.0.0.1:8787/v1", {"SEEDPIPE_API_KEY": "u"}, "byteplus", "u"),
        ("https://other.example/v1", {"ARK_API_KEY": "e"}, "byteplus", "other-stored"),
    ],
)
def test_the_users_own_base_url(url: str, environ: dict[str, str], provider: str, key: str) -> None:
    """An address of the catalogue says whose it is; any other speaks as the manifest says."""
    found = opened(Wanted(name="byteplus"), {"SEEDPIPE_BASE_URL": url, **environ})
    assert (found.provider, found.base_url, found.key) == (provider, url.rstrip("/"), key)


@pytest.mark.parametrize("url", ["gate.example/v1", "ftp://x/v1", "https://", "https://x:99999/v1", "https://a:b@x/v1"])
def test_a_base_url_that_is_none(url: str) -> None:
    with pytest.raises(UsageError, match="SEEDPIPE_BASE_URL"):
        opened(Wanted(), {"SEEDPIPE_BASE_URL": url, "SEEDPIPE_API_KEY": "u"})


@pytest.mark.parametrize(
    ("name", "url", "provider", "key"),
    [
        ("apiyi", "https://vip.apiyi.com/v1", "apiyi", "apiyi-stored"),
        (None, "https://ark.eu-west.bytepluses.com/api/v3", "byteplus-eu", "dublin-stored"),
        ("byteplus", "https://other.example/v1", "byteplus", "other-stored"),
        (None, "https://env.example/v1", "apiyi", "for-env"),
    ],
)
def test_a_manifests_base_url(name: str | None, url: str, provider: str, key: str) -> None:
    environ = {"ENV_KEY": "for-env", "AWS_SECRET": "never"}
    found = opened(Wanted(name=name, base_url=url, key_variable="AWS_SECRET", position=HERE), environ)
    assert (found.provider, found.base_url, found.key) == (provider, url, key)


@pytest.mark.parametrize(
    ("name", "url", "words"),
    [
        (None, "https://strange.example/v1", "a host that you have not said you trust"),
        ("apiyi", "https://api.apiyi.com.strange.example/v1", "a host that you have not said you trust"),
        (None, "https://env.example/v1", "there is no key for `env.example`"),
        ("byteplus", "https://api.apiyi.com/v1", "is `apiyi`, not `byteplus`"),
    ],
)
def test_a_manifest_that_may_not(name: str | None, url: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as found:
        opened(Wanted(name=name, base_url=url, key_variable="AWS_SECRET", position=HERE), {"AWS_SECRET": "never"})
    assert found.value.position == HERE

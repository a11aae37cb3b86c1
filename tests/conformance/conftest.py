"""What the official SDKs are spared."""

from pathlib import Path

import pytest

ROOTS = Path(__file__).parent.parent / "support" / "tls" / "localhost.crt"


@pytest.fixture(autouse=True)
def few_roots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of their clients reads every root there is, though nothing here is encrypted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(ROOTS))

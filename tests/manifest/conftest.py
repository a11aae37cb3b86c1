from pathlib import Path

import pytest

from tests.manifest.session import Session, session


@pytest.fixture
def project(tmp_path: Path) -> Session:
    return session(tmp_path)

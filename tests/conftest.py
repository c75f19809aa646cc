from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real images beside the repository; absent for users, present in CI."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs the real images in ../shared/data, which are not part of the repository")
    return SHARED_DATA.resolve()

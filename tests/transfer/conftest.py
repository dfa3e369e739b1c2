"""What several of these tests work on."""
import pytest

from tinynet.samples import DrawnCats


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """One folder of cached activations for all tests."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def few():
    """Nine drawings: enough to see everything happen."""
    return DrawnCats(n_per_class=4)

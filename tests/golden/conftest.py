"""One cell for all tests that compare photos."""

from tests.decode.conftest import cell

__all__ = ["cell"]

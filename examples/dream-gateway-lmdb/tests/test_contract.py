"""Everything a backend of dream-gateway must do."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from dream_gateway.testing import BackendContract

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class TestLmdb(BackendContract):
    @pytest.fixture
    def new_url(self, tmp_path: Path) -> Callable[[], str]:
        numbers = count()
        return lambda: f"lmdb:///{tmp_path}/{next(numbers)}.mdb"

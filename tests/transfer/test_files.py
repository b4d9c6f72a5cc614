"""Files of an import come from elsewhere: whatever is in them, they are read or refused in a line."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.transfer.original_system import NOW, Original

from dream_gateway.errors import ConfigurationError
from dream_gateway.transfer.files import read_files
from dream_gateway.transfer.gathering import gather
from dream_gateway.transfer.parts import Unfit
from dream_gateway.transfer.values import instant, limit, minor_units

if TYPE_CHECKING:
    from pathlib import Path

SHARED = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
CELLS = st.one_of(
    st.none(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.binary(max_size=40),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
)  # fmt: skip


@pytest.mark.parametrize(
    "statement",
    [
        "ATTACH DATABASE '{folder}/made.db' AS other; CREATE TABLE other.t (a);",
        "VACUUM INTO '{folder}/made.db';",
        "SELECT load_extension('{folder}/made.db');",
        "SELECT writefile('{folder}/made.db', 'x');",
        "PRAGMA writable_schema=ON; INSERT INTO sqlite_master VALUES ('a','b','c',0,'');",
        "CREATE TRIGGER t AFTER INSERT ON tiers BEGIN DELETE FROM tiers; END;",
        "CREATE VIRTUAL TABLE v USING fts5(a);",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT count(*) FROM n;",
        "PRAGMA temp_store_directory='{folder}';",
    ],
)
def test_a_dump_may_make_tables_and_nothing_else(tmp_path: Path, statement: str) -> None:
    file = Original(tmp_path).dump()
    file.write_text(file.read_text() + statement.format(folder=tmp_path))
    with pytest.raises(ConfigurationError):
        read_files([file])
    assert not (tmp_path / "made.db").exists()


def test_an_sqlite_file_is_only_read(tmp_path: Path) -> None:
    file = Original(tmp_path).sqlite()
    before, listed = file.read_bytes(), sorted(tmp_path.iterdir())
    read_files([file])
    assert (file.read_bytes(), sorted(tmp_path.iterdir())) == (before, listed)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"hello", b"SQLite format 3\0 and no more", b"{", b"[1]", b'[{"key": 1}]', b'"text"',
        b"CREATE TABLE other (a);", b"\xff\xfe", b'{"record": "export"}\nnope', b"[" * 100_000,
        b'{"record": "export"}\n[]',
    ],
)  # fmt: skip
def test_what_is_none_of_the_kinds_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        read_files([file])
    assert "file" in caught.value.detail or "tables" in caught.value.detail


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        read_files([tmp_path / "nothing"])


@SHARED
@given(st.data())
def test_any_value_in_any_cell_is_taken_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    original = Original(tmp_path_factory.mktemp("fuzz"))
    table = data.draw(st.sampled_from(sorted(original.tables)))
    row = data.draw(st.sampled_from(original.tables[table]))
    row[data.draw(st.sampled_from(sorted(row)))] = data.draw(CELLS)
    gather(read_files([original.sqlite()]), NOW)


@SHARED
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "noise"
    file.write_bytes(content)
    with suppress(ConfigurationError):
        gather(read_files([file]), NOW)


@pytest.mark.parametrize(
    ("given_price", "cents"), [(19.99, 1999), ("0.1", 10), (5, 500), (None, 0), (1.1, 110)]
)
def test_money_is_exact(given_price: object, cents: int) -> None:
    assert minor_units(given_price) == cents


@pytest.mark.parametrize("price", ["19.999", "NaN", "1e400", "x", "Infinity"])
def test_money_that_is_none_is_refused(price: str) -> None:
    with pytest.raises(Unfit):
        minor_units(price)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (1_700_000_000, 1_700_000_000), (1_700_000_000_000, 1_700_000_000), ("0", 0),
        ("2023-11-14T22:13:20Z", 1_700_000_000), ("2023-11-14 22:13:20", 1_700_000_000), (None, None),
    ],
)  # fmt: skip
def test_times_are_read_as_they_were_written(written: object, seconds: float | None) -> None:
    assert instant(written) == seconds


@pytest.mark.parametrize("written", [None, "unlimited", -1, "-1", "Infinity"])
def test_no_limit_has_many_names(written: object) -> None:
    assert limit(written) is None

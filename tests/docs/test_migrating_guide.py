"""The guide to migrating names every table, column, KV key and record that is read, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from dream_gateway.transfer.bundles import USAGE
from dream_gateway.transfer.columns import TABLES
from dream_gateway.transfer.pairs import KEYS
from dream_gateway.transfer.parts import PARTS

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "migrating.md").read_text()


def rows(head: str) -> dict[str, str]:
    """Return the rows of the table with this head: first cell without marks to second cell."""
    body = GUIDE.partition(f"| {head} |")[2].split("\n\n")[0]
    cells = [line.strip("| ").split(" | ") for line in body.splitlines()[2:]]
    return {name.strip("`"): rest for name, rest in cells}


def test_every_table_and_column_is_there() -> None:
    listed = rows("table | columns")
    assert set(listed) == set(TABLES)
    for table, columns in TABLES.items():
        expected = {name: (named.required, named.aliases) for name, named in columns.items()}
        found = {}
        for mark, name, aliases in re.findall(
            r"(\*\*)?`(\w+)`(?:\*\*)?(?: \(or ([^)]*)\))?", listed[table]
        ):
            found[name] = (bool(mark), tuple(re.findall(r"\w+", aliases)))
        assert found == expected, table


def test_every_kv_key_is_there() -> None:
    assert {name.partition(":")[0] for name in rows("key | value")} == set(KEYS)
    for name, value in rows("key | value").items():
        table, columns = KEYS[name.partition(":")[0]]
        assert re.findall(r"{(\w+)}", name) == list(columns)
        assert f"`{table}`" in value


def test_every_record_is_there() -> None:
    assert set(rows("record | is")) == {*PARTS, USAGE}

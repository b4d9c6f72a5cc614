"""From what was read to what is imported: all of it sorted into bundles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.transfer.bundles import Bundles
from dream_gateway.transfer.original import Conversion
from dream_gateway.transfer.pairs import with_pairs

if TYPE_CHECKING:
    from dream_gateway.transfer.files import Sources


def gather(sources: Sources, now: float) -> tuple[Bundles, list[str]]:
    """Return the bundles of all that was read, and notes for people on what is left aside."""
    tables, ignored = with_pairs(sources.tables, sources.pairs)
    conversion = Conversion(tables, now)
    bundles = Bundles()
    bundles.add_all([*sources.lines, *conversion.run()])
    for refusal in conversion.refused:
        bundles.refuse(refusal)
    notes = (
        [f"{ignored} pairs of the KV export are of no kind that is imported."] if ignored else []
    )
    notes += [
        f"{table}: not imported are the columns {', '.join(sorted(set(found.unknown)))}."
        for table, found in tables.items()
        if found.unknown
    ]
    return bundles, notes

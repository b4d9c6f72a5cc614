"""Links that lead out of the documentation, into the repository, are words on its pages.

Where the pages are, the files beside them are not. A link to what does not exist is still a warning.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from sphinx.util import logging

if TYPE_CHECKING:
    from sphinx.application import Sphinx

LINK = re.compile(r"(?<!!)\[(?P<words>[^\]]+)\]\((?P<target>\.\./[^)#\s]+)(?:#[^)\s]*)?\)")
logger = logging.getLogger(__name__)


def unlink(app: Sphinx, name: str, source: list[str]) -> None:
    """Replace such links in a document's text, which is the one item of `source`."""
    folder = Path(app.env.doc2path(name)).parent

    def instead(link: re.Match[str]) -> str:
        target = (folder / link["target"]).resolve()
        if target.is_relative_to(app.srcdir):
            return link[0]
        if not target.exists():
            logger.warning("there is no %s", link["target"], location=name)
        return link["words"]

    source[0] = LINK.sub(instead, source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Have sources read so."""
    app.connect("source-read", unlink)
    return {"parallel_read_safe": True}

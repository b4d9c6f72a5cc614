"""`/llms.txt` and the pages it links to: the documentation, for assistants and other readers of text.

The index is made from the pages' own headings and first paragraphs (format: llmstxt.org), so that it
cannot say what they do not.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING

from dream_gateway.errors import MethodNotAllowedError, NotFoundError
from dream_gateway.http.reply import Reply
from dream_gateway.service.reply import SAFETY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dream_gateway.facilities import Facilities
    from dream_gateway.http.asgi import Headers, Receive, Scope, Send

INDEX = "/llms.txt"
PAGES = "/docs"

FOLDERS = (
    Path(__file__).parents[1] / "documentation",  # in a wheel
    Path(__file__).parents[3] / "docs",  # in the source tree
)

SECTIONS = {
    "guides/": "Guides",
    "reference/": "Reference",
    "": "Explanation",
    "backends/": "Stores",
    "runbooks/": "Runbooks",
    "decisions/": "Optional",
    "performance/": "Optional",
}
"""Headings by the folder of a page; `Optional` is what a reader short of room leaves out."""

HEAD = Path(__file__).with_name("llms.md")
"""What stands before the lists: what this is, and how a project is integrated."""


NO_PAGES = {"index.md", "changes.md"}
"""What is only there for the pages made of the others: lists and inclusions of them."""


def read_pages(folders: Sequence[Path] = FOLDERS) -> dict[str, str]:
    """Return the documentation's pages by their paths below its folder; nothing without one."""
    root = next((folder for folder in folders if folder.is_dir()), None)
    if root is None:
        return {}
    found = {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*.md"))}
    return {name: path.read_text() for name, path in found.items() if name not in NO_PAGES}


def index(pages: Mapping[str, str]) -> str:
    """Return the text of `/llms.txt`: a heading for each kind of page, and a line for each page."""
    sections: dict[str, list[str]] = {heading: [] for heading in SECTIONS.values()}
    for path, text in pages.items():
        folder = path[: path.rfind("/") + 1]
        sections[SECTIONS.get(folder, "Optional")].append(_line(path, text))
    listed = [f"## {name}\n\n" + "".join(lines) for name, lines in sections.items() if lines]
    return "\n".join([HEAD.read_text(), *listed])


def _line(path: str, text: str) -> str:
    title = re.search(r"(?m)^# (.+)$", text)
    name = title[1] if title else path.removesuffix(".md")
    about = _first_sentence(text)
    return f"- [{name}]({PAGES}/{path}){f': {about}' if about else ''}\n"


def _first_sentence(text: str) -> str:
    """Return the first sentence of a page's prose, without its links."""
    paragraphs = re.sub(r"(?ms)^```.*?^```$", "", text).split("\n\n")
    prose = (" ".join(each.split()) for each in paragraphs if re.match(r"\s*[\w`*]", each))
    words = next((each for each in prose if not re.match(r"\d+\.", each)), "")
    words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", words)
    sentence = re.match(r".+?[.:](?=\s|$)", words)
    return (sentence[0] if sentence else words).rstrip(":")


class Documentation:
    """A `Site`: the index and the pages, which are read with the first request and then kept."""

    prefixes = (INDEX, PAGES)

    def __init__(self) -> None:
        self._texts: Mapping[str, bytes] | None = None

    async def open(self, facilities: Facilities) -> None:
        """Wait for the first request."""

    async def aclose(self) -> None:
        """Let go of the pages."""
        self._texts = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request. Raises `NotFoundError` for anything but a page."""
        if scope["method"] not in {"GET", "HEAD"}:
            raise MethodNotAllowedError(headers=(("Allow", "GET, HEAD"),))
        if self._texts is None:
            self._texts = await asyncio.to_thread(_texts)
        body = self._texts.get(scope["path"])
        if body is None:
            raise NotFoundError
        kind = b"text/plain" if scope["path"] == INDEX else b"text/markdown"
        headers: Headers = [
            (b"content-type", kind + b"; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            *SAFETY,
        ]
        await Reply(200, headers, body).send(send, head=scope["method"] == "HEAD")


def _texts() -> dict[str, bytes]:
    pages = read_pages()
    texts = {f"{PAGES}/{path}": text.encode() for path, text in pages.items()}
    return texts | {INDEX: index(pages).encode()}

"""Adds the guard to a JavaScript or TypeScript module, where one line makes the application."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dream_gateway.integrate.plan import UnsafeError

GUARD = "dream-gateway-guard"
"""The module that is written, without its suffix."""

SUFFIXES = (".js", ".mjs", ".cjs", ".ts", ".mts")


@dataclass(frozen=True, slots=True)
class Script:
    """A module that takes in a package: how its application is made, and in which dialect."""

    suffix: str
    text: str
    package: str
    maker: str
    """A regular expression of the call that makes the application."""

    @property
    def makes(self) -> bool:
        """Whether it makes an application at all."""
        return bool(re.search(self.maker, self.text)) and bool(self._imports())

    @property
    def typescript(self) -> bool:
        """Whether it is TypeScript."""
        return self.suffix in {".ts", ".mts"}

    @property
    def module(self) -> bool:
        """Whether it is an ES module, and no CommonJS."""
        return bool(re.search(r"^\s*import\b", self.text, re.MULTILINE))

    @property
    def guard(self) -> str:
        """The file name of the guard, in the same dialect whatever `package.json` says."""
        dialect = self.suffix if self.typescript else ".mjs" if self.module else ".cjs"
        return GUARD + dialect

    def guarded(self) -> str:
        """Return the text with the guard; as it is, if it has one.

        Raises `UnsafeError` where the place is not certain.
        """
        if GUARD in self.text:
            return self.text
        made = re.findall(
            rf"(?m)^([ \t]*(?:const|let|var)\s+(\w+)\s*=\s*{self.maker}[ \t]*;?[ \t]*)$", self.text
        )
        imports = self._imports()
        if len(made) != 1 or len(re.findall(self.maker, self.text)) != 1:
            raise UnsafeError("does not make its application once, on a line of its own")
        if len(imports) != 1:
            raise UnsafeError(f"does not take in {self.package} once, on a line of its own")
        line, app = made[0]
        indent = line[: len(line) - len(line.lstrip())]
        end = ";" if line.rstrip().endswith(";") else ""
        after = _behind(self.text, line, f"{indent}{app}.use(guard){end}")
        return _behind(after, imports[0], self.taken_in(imports[0]))

    def _imports(self) -> list[str]:
        name = rf"['\"]{self.package}['\"]"
        either = rf"import\s.+\sfrom\s+{name}|(?:const|let|var)\s.+=\s*require\({name}\)"
        return re.findall(rf"(?m)^(?:{either})[ \t]*;?[ \t]*$", self.text)

    def taken_in(self, like: str) -> str:
        """Return the line that takes the guard in, with the quotes and the end of another."""
        quote, end = ("'" if "'" in like else '"'), (";" if like.rstrip().endswith(";") else "")
        path = f"{quote}./{self._specifier()}{quote}"
        if self.module:
            return f"import {{ guard }} from {path}{end}"
        return f"const {{ guard }} = require({path}){end}"

    def _specifier(self) -> str:
        if not self.typescript:
            return self.guard
        # Either compiler settings want the suffix of what is emitted, or none.
        emitted = re.search(r"""from\s+['"]\.{1,2}/[^'"]+\.js['"]""", self.text)
        return f"{GUARD}.js" if emitted else GUARD


def _behind(text: str, line: str, new: str) -> str:
    ending = "\r\n" if "\r\n" in text else "\n"
    head, _, tail = text.partition(line)
    return f"{head}{line}{ending}{new}{tail or ending}"

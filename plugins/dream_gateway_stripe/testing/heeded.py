"""Parameters that remember which of them were looked at, so that none is passed over in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import ItemsView, Iterator, KeysView, ValuesView


class Heeded(dict[str, Any]):
    """A mapping. Whoever goes through it, or copies it, has looked at all of it."""

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__({name: heeded(value) for name, value in values.items()})
        self.seen: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        """Return a value."""
        self.seen.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a value, or something else."""
        self.seen.add(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        """Tell whether a value is there."""
        self.seen.add(str(name))
        return super().__contains__(name)

    def __iter__(self) -> Iterator[str]:
        """Go through the names."""
        self._see_all()
        return super().__iter__()

    def keys(self) -> KeysView[str]:  # type: ignore[override] # a view of a dict is one
        """Return the names."""
        self._see_all()
        return super().keys()

    def values(self) -> ValuesView[Any]:  # type: ignore[override] # a view of a dict is one
        """Return the values."""
        self._see_all()
        return super().values()

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override] # a view of a dict is one
        """Return names and values."""
        self._see_all()
        return super().items()

    def _see_all(self) -> None:
        self.seen.update(super().keys())

    def missed(self, inert: frozenset[str], where: str = "") -> Iterator[str]:
        """Return what nobody looked at, but for what changes nothing."""
        for name, value in super().items():
            path = f"{where}[{name}]" if where else name
            if name in inert:
                continue
            if name not in self.seen:
                yield path
            else:
                yield from _missed(value, inert, path)


def heeded(value: Any) -> Any:
    """Return a value with every mapping in it made to remember."""
    if isinstance(value, dict):
        return Heeded(value)
    return [heeded(each) for each in value] if isinstance(value, list) else value


def _missed(value: Any, inert: frozenset[str], path: str) -> Iterator[str]:
    if isinstance(value, Heeded):
        yield from value.missed(inert, path)
    elif isinstance(value, list):
        for at, each in enumerate(value):
            yield from _missed(each, inert, f"{path}[{at}]")

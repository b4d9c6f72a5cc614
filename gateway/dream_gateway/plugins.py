"""Finds and opens what others wrote: backends by URL scheme, plugins by configured name.

Only the one that is named is imported, so a missing driver harms nobody who does not use it.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from itertools import chain
from typing import TYPE_CHECKING, cast

import msgspec
import pluggy

from dream_gateway.errors import ConfigurationError, MissingExtraError
from dream_gateway.hookspecs import PROJECT_NAME, HookSpecs
from dream_gateway.plugin_settings import converted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import click

    from dream_gateway.clock import Clock
    from dream_gateway.facilities import Mailer
    from dream_gateway.hookspecs import (
        CodeExchange,
        DeveloperSignIn,
        Exporter,
        Identity,
        RequestCost,
        Site,
        UserAdministration,
        UserWebhook,
        VerdictObserver,
    )
    from dream_gateway.payments import Billing
    from dream_gateway.storage import Backend

BACKENDS = "dream_gateway.backends"
"""The entry-point group of backends: each name is a URL scheme."""

PLUGINS = "dream_gateway.plugins"
"""The entry-point group of plugins: each name is that of a `[plugins.NAME]` table."""


def open_backend(url: str, clock: Clock) -> Backend:
    """Return the backend that the URL's scheme names, not started yet.

    Raises `ConfigurationError` if the scheme or the URL is wrong, `MissingExtraError` if the
    backend's driver is not installed.
    """
    scheme = url.partition(":")[0]
    opener = cast("Callable[[str, Clock], Backend]", _load(BACKENDS, scheme, "store"))
    return opener(url, clock)


def installed(group: str) -> list[str]:
    """Return the names in an entry-point group, sorted; imports none of them."""
    return sorted({point.name for point in entry_points(group=group)})


def extra(group: str, name: str) -> str:
    """Return what pip installs for an entry point's packages, such as `dream-gateway[postgres]`.

    An entry point may name the extra that brings its driver: `NAME = "module:object [EXTRA]"`.
    Empty if it needs none.
    """
    return next((_wanted(point) for point in entry_points(group=group, name=name)), "")


@dataclass(frozen=True, slots=True)
class Installed:
    """An entry point as it is found: whose it is, and what keeps it from being used, if anything."""

    name: str
    package: str
    version: str
    fault: str


def examine(group: str, noun: str) -> list[Installed]:
    """Import everything in an entry-point group, and return how each fared, by name."""
    return [_examined(name, group, noun) for name in installed(group)]


class Plugins:
    """The plugins of one gateway, in the order they are configured. Called at start-up only.

    `configured` holds the `[plugins.NAME]` tables. Raises `ConfigurationError` for a plugin that is
    not installed or does not fit the hooks, or whose settings are wrong, `MissingExtraError` for one
    that lacks a package.
    """

    def __init__(self, configured: Mapping[str, Mapping[str, object]]) -> None:
        self._manager = _manager()
        self._settings: dict[str, object] = {}
        for name, table in configured.items():
            _register(self._manager, name)
            declared = self.settings_type(name)
            self._settings[name] = table if declared is None else converted(name, table, declared)
        self._registered: dict[str, tuple[object, ...]] = {}

    def open(self) -> None:
        """Have every plugin register all it has, as a gateway would at its start.

        Raises `ConfigurationError` for settings that a plugin does not take.
        """
        for register in (
            self.verdict_observers,
            self.request_costs,
            self.identities,
            self.developer_identities,
            self.user_administrations,
            self.user_webhooks,
            self.billings,
            self.mailers,
            self.sites,
            self.exporters,
            self.code_exchanges,
            self.developer_sign_ins,
        ):
            register()

    async def aclose(self) -> None:
        """Close what the plugins registered, where it can be closed; it is registered anew after."""
        # One object may be there for several hooks.
        registered = {id(each): each for each in chain(*self._registered.values())}
        self._registered.clear()
        for each in registered.values():
            close = getattr(each, "aclose", None)
            if close is not None:
                await close()

    def settings(self, name: str) -> object:
        """Return a configured plugin's settings: what it declares, or else its table."""
        return self._settings[name]

    def settings_type(self, name: str) -> type[msgspec.Struct] | None:
        """Return what a configured plugin declares its settings to be, if it does."""
        found = self._own(name, "settings_type")()
        if found and not (isinstance(found[0], type) and issubclass(found[0], msgspec.Struct)):
            raise ConfigurationError(f"The plugin {name!r} does not fit: no Struct of settings.")
        return cast("type[msgspec.Struct] | None", found[0] if found else None)

    def verdict_observers(self) -> tuple[VerdictObserver, ...]:
        """Return the objects that see every verdict."""
        return cast("tuple[VerdictObserver, ...]", self._collect("verdict_observers"))

    def request_costs(self) -> tuple[RequestCost, ...]:
        """Return the objects that price proxied requests; the first that answers wins."""
        return cast("tuple[RequestCost, ...]", self._collect("request_costs"))

    def identities(self) -> tuple[Identity, ...]:
        """Return the verifiers of end users' tokens; the first that answers wins."""
        return cast("tuple[Identity, ...]", self._collect("identities"))

    def developer_identities(self) -> tuple[Identity, ...]:
        """Return the verifiers of developers' tokens; the first that answers wins."""
        return cast("tuple[Identity, ...]", self._collect("developer_identities"))

    def user_administrations(self) -> tuple[UserAdministration, ...]:
        """Return who can create end users; the first is asked."""
        return cast("tuple[UserAdministration, ...]", self._collect("user_administrations"))

    def user_webhooks(self) -> tuple[UserWebhook, ...]:
        """Return the readers of what identity providers tell of end users."""
        return cast("tuple[UserWebhook, ...]", self._collect("user_webhooks"))

    def billings(self) -> tuple[Billing, ...]:
        """Return who takes customers' money; the first one does."""
        return cast("tuple[Billing, ...]", self._collect("billings"))

    def mailers(self) -> tuple[Mailer, ...]:
        """Return what sends mail; the first one does."""
        return cast("tuple[Mailer, ...]", self._collect("mailers"))

    def sites(self) -> tuple[Site, ...]:
        """Return what the service's listener serves beside its own routes."""
        return cast("tuple[Site, ...]", self._collect("sites"))

    def exporters(self) -> tuple[Exporter, ...]:
        """Return what sends on the gateway's measurements."""
        return cast("tuple[Exporter, ...]", self._collect("exporters"))

    def code_exchanges(self) -> tuple[CodeExchange, ...]:
        """Return who takes one-time codes; the first one does."""
        return cast("tuple[CodeExchange, ...]", self._collect("code_exchanges"))

    def developer_sign_ins(self) -> tuple[DeveloperSignIn, ...]:
        """Return who signs developers in to the dashboard."""
        return cast("tuple[DeveloperSignIn, ...]", self._collect("developer_sign_ins"))

    def commands(self) -> tuple[click.Command, ...]:
        """Return the commands to add to `dream-gateway`."""
        return tuple(cast("Iterator[click.Command]", self._collect("commands")))

    def _collect(self, hook: str) -> tuple[object, ...]:
        """Return what the plugins register, which is done once."""
        if hook not in self._registered:
            self._registered[hook] = tuple(self._ask(hook))
        return self._registered[hook]

    def _ask(self, hook: str) -> Iterator[object]:
        """Yield what the plugins register, each asked with its own settings."""
        for name, settings in self._settings.items():
            for objects in self._own(name, hook)(settings=settings):
                yield from objects

    def _own(self, name: str, hook: str) -> pluggy.HookCaller:
        """Return what calls one plugin's hook and no other's."""
        own = self._manager.get_plugin(name)
        others = [plugin for _, plugin in self._manager.list_name_plugin() if plugin is not own]
        return self._manager.subset_hook_caller(hook, remove_plugins=others)


def hooks_of(name: str) -> tuple[str, ...]:
    """Return the hooks that an installed plugin implements, whether it is configured or not.

    Raises what `Plugins` does.
    """
    manager = _manager()
    _register(manager, name)
    callers = manager.get_hookcallers(manager.get_plugin(name)) or []
    return tuple(sorted(caller.name for caller in callers))


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(PROJECT_NAME)
    manager.add_hookspecs(HookSpecs)
    return manager


def _register(manager: pluggy.PluginManager, name: str) -> None:
    loaded = _load(PLUGINS, name, "plugin")
    plugin = loaded() if isinstance(loaded, type) else loaded
    try:
        manager.register(plugin, name=name)
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError) as error:
        raise ConfigurationError(f"The plugin {name!r} does not fit: {error}") from error


def _examined(name: str, group: str, noun: str) -> Installed:
    (point, *_) = entry_points(group=group, name=name)
    package, version = (point.dist.name, point.dist.version) if point.dist else ("", "")
    fault = ""
    try:
        _load(group, name, noun)
    except ConfigurationError as error:
        fault = error.detail
    except Exception as error:  # noqa: BLE001 - anything may happen in somebody else's module
        fault = f"The {noun} {name!r} cannot be imported: {type(error).__name__}."
    return Installed(name, package, version, fault)


def _load(group: str, name: str, noun: str) -> object:
    """Import the one object that a group has under a name."""
    points = [point for point in entry_points(group=group) if point.name == name]
    if not points:
        names = ", ".join(installed(group)) or "none"
        raise ConfigurationError(f"There is no {noun} named {name!r}; installed are: {names}.")
    try:
        return cast("object", points[0].load())
    except ModuleNotFoundError as error:
        raise _missing(points[0], noun, error.name or "a package") from error
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"The {noun} {name!r} cannot be imported.") from error


def _missing(point: EntryPoint, noun: str, module: str) -> ConfigurationError:
    """Return the error that says how to get what a plugin lacks."""
    lack = f"The {noun} {point.name!r} needs {module}, which is not installed"
    wanted = _wanted(point)
    if not wanted:
        return ConfigurationError(f"{lack}.")
    return MissingExtraError(f"{lack}: pip install '{wanted}'")


def _wanted(point: EntryPoint) -> str:
    if point.dist is None or not point.extras:
        return ""
    return f"{point.dist.name}[{','.join(point.extras)}]"

"""Every hook a plugin may implement. All of them are called at start-up, never per request.

A hook registers objects; the gateway then calls those objects directly. `None` means "not mine".
"""

from __future__ import annotations

from dream_gateway.hookspecs.identities import (
    Identified,
    Identity,
    NewUser,
    UserAdministration,
    UserChange,
    UserWebhook,
)
from dream_gateway.hookspecs.requests import (
    Asked,
    RequestCost,
    Trace,
    Traced,
    Tracer,
    VerdictObserver,
)
from dream_gateway.hookspecs.services import Exporter, Site
from dream_gateway.hookspecs.sign_in import CodeExchange, DeveloperSignIn, SignedIn, SignOut
from dream_gateway.hookspecs.specifications import (
    PROJECT_NAME,
    HookSpecs,
    Settings,
    hookimpl,
    hookspec,
)

__all__ = [
    "PROJECT_NAME",
    "Asked",
    "CodeExchange",
    "DeveloperSignIn",
    "Exporter",
    "HookSpecs",
    "Identified",
    "Identity",
    "NewUser",
    "RequestCost",
    "Settings",
    "SignOut",
    "SignedIn",
    "Site",
    "Trace",
    "Traced",
    "Tracer",
    "UserAdministration",
    "UserChange",
    "UserWebhook",
    "VerdictObserver",
    "hookimpl",
    "hookspec",
]

"""The domain's values: frozen, slotted, and free of behaviour that needs I/O.

Instants are seconds since the epoch, UTC. Costs and limits are whole units.
"""

from __future__ import annotations

from dream_gateway.model.allowances import (
    UNLIMITED,
    Alignment,
    Allowance,
    AllowanceKind,
    Interval,
    Period,
)
from dream_gateway.model.customers import Credential, Customer, KeyKind, KeyStatus, Subscription
from dream_gateway.model.projects import (
    Actor,
    Branding,
    Developer,
    Membership,
    Mode,
    Platform,
    Project,
    ProjectType,
    Role,
)
from dream_gateway.model.selling import BILLING_INTERVALS, Overage, Product, Tier
from dream_gateway.model.verdicts import PolicyState, Usage, Verdict

__all__ = [
    "BILLING_INTERVALS",
    "UNLIMITED",
    "Actor",
    "Alignment",
    "Allowance",
    "AllowanceKind",
    "Branding",
    "Credential",
    "Customer",
    "Developer",
    "Interval",
    "KeyKind",
    "KeyStatus",
    "Membership",
    "Mode",
    "Overage",
    "Period",
    "Platform",
    "PolicyState",
    "Product",
    "Project",
    "ProjectType",
    "Role",
    "Subscription",
    "Tier",
    "Usage",
    "Verdict",
]

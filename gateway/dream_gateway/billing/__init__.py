"""Who pays for what, and what they get for it: the gateway's side of a payment provider."""

ACTOR = "billing"
"""Who changes what is changed here, for the audit log."""

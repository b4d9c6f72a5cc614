"""dream-gateway: API keys, tiers, rate limits and exact usage counting in front of your API."""

from dream_gateway.model import Allowance, Credential, Customer, Project, Tier, Usage, Verdict

__all__ = ["Allowance", "Credential", "Customer", "Project", "Tier", "Usage", "Verdict"]

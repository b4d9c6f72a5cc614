"""The system of record: platforms, projects, keys, tiers, customers, and what was done to them."""

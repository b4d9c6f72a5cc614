"""Gateways as people write them in Python, from the usual parts."""

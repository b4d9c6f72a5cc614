"""Payments by Stripe: the contract `dream_gateway.payments`, for Stripe Connect (`stripe`)."""

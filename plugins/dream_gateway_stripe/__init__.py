"""Billing by Stripe: the provider that `dream_gateway.payments` asks, and a fake one to try it on."""

"""What developers are told by webhooks of their own (Standard Webhooks)."""

"""The listeners, the workers that serve on them, and the supervisor that keeps those alive."""

"""The data plane as pure ASGI: the reverse proxy, the middleware and forward-auth."""

"""The demo: a bundled example API, the gateway in front of it, and requests that meet a limit."""

"""HTTP/1.1 (RFC 9112) on an asyncio transport: what a server needs below ASGI, strict and fast."""

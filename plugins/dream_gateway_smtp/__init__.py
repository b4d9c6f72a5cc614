"""Sends mail by SMTP (RFC 5321), encrypted by default."""

from dream_gateway_smtp.plugin import SmtpPlugin

__all__ = ["SmtpPlugin"]

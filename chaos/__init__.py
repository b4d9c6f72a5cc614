"""Breaks a running gateway on purpose, under load, and holds its counts against the promise."""

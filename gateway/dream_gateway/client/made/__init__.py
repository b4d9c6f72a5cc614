"""Modules made by `scripts/client`: nothing here is written by hand."""

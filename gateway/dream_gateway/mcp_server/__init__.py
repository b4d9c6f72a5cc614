"""The gateway for assistants: a server of the Model Context Protocol over the HTTP API.

It has no rights of its own: whatever it does, it asks the service for with a secret key, so that
access, limits and the audit log are the API's.
"""

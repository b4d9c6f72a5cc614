"""What both planes say in HTTP: problems, rate-limit fields, credentials, request ids."""

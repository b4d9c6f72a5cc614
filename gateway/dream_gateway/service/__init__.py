"""The control plane and the usage endpoints: `/api/*`, `/health`, `/ready`, `/openapi.json`."""

"""The dashboard: pages for developers and the operator, rendered here, over the service's operations."""

"""Makes the Python client's shapes and methods, from a table and the service's document."""

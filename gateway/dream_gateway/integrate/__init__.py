"""How a project of somebody's is put behind the gateway: what to add to its files.

Pure: a project is a mapping of paths to texts, and what comes of it is a plan. The command
`dream-gateway integrate` reads and writes.
"""

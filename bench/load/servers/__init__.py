"""Each server: its configuration, how it is started, and how it is asked."""

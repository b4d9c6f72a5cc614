"""The gateway side by side with its peers: same machine, same upstream, same job."""

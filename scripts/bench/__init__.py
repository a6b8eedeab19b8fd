"""What the shop reaches, measured beside its peers: `scripts/task bench`."""

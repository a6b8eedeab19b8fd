"""The overview of the shop in the terminal, live from Prometheus: `scripts/task dash`."""

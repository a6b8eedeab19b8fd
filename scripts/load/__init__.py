"""Sends the README's load to a shop on this machine: `python -m load`."""

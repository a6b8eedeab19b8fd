"""The gateway's parts: which function answers what, forwarding, health, documentation."""

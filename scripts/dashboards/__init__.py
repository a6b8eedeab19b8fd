"""Grafana's dashboards, written by code: `scripts/task dashboards:write`."""

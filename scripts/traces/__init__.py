"""The traces of the last minutes, in the terminal: `scripts/task traces`."""

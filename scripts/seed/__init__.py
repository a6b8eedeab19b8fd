"""Fills a shop with a catalogue that looks like one: `python -m seed`."""

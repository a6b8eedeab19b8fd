"""A model of the shop at many times the load that one machine bears; docs/scale.md reads it."""

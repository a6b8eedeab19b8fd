"""The tables of the three databases, and the pieces that they share."""

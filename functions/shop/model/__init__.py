"""The tables of the four databases, and the pieces that they share."""

"""What must hold, by what it is about."""

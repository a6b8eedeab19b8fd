"""What every ShopHub function shares: the edge, the database, events and telemetry."""

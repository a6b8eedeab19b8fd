"""The local platform: the shop with a real PostgreSQL and a real Kafka, and no container engine."""

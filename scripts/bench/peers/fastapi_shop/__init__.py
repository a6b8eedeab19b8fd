"""The catalogue's read endpoints in FastAPI with the async SQLAlchemy ORM."""

"""The database fixtures (`postgres_dsn`, `database`, `pool`) stand in tests/conftest.py: API and browser tests use them too."""

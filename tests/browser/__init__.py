"""Pages in a real Chromium, against the real application and a real PostgreSQL."""

"""AI apps: their folders and models, their data, and the catalogue."""

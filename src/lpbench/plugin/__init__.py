"""The contracts of plugins, their discovery, and helpers for plugin authors."""

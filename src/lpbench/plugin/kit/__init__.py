"""Helpers for authors of plugins: checks of feeds, tools in environments of their own, downloads, a new plugin."""

"""Helpers for plugin authors: checks of feeds, environments for tools, downloads, a project skeleton."""

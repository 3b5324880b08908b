"""Helpers that know nothing of apps, plugins or measurements."""

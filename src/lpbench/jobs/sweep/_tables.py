"""The tables of a sweep's file, and what is unsound in them: SQLite keeps values of any type in any column."""

from __future__ import annotations

APPLICATION = 0x6C706273
"""Tells the file from another program's: ``lpbs``."""
VERSION = 3
"""Of the tables."""
READ = (2, VERSION)
"""Versions that are read; the first of them knew no algorithms."""
SCHEMA = """
CREATE TABLE sweep (plan TEXT NOT NULL, machine TEXT NOT NULL);
CREATE TABLE apps (app TEXT PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL, reference TEXT NOT NULL,
    columns TEXT NOT NULL);
CREATE TABLE blocks (
    block INTEGER PRIMARY KEY, app TEXT NOT NULL, reference TEXT, seconds REAL
);
CREATE TABLE configurations (
    number INTEGER PRIMARY KEY, block INTEGER, asked TEXT NOT NULL, words TEXT NOT NULL,
    state TEXT NOT NULL, reason TEXT NOT NULL, found TEXT
);
"""
UNSOUND = (
    "SELECT 1 WHERE (SELECT count(*) FROM sweep) <> 1",
    "SELECT 1 FROM apps WHERE 'blob' IN (typeof(app), typeof(name), typeof(digest), typeof(reference))",
    "SELECT 1 FROM blocks LEFT JOIN apps USING (app) WHERE apps.app IS NULL",
    "SELECT 1 FROM blocks WHERE seconds IS NOT NULL AND (typeof(seconds) NOT IN ('real', 'integer') OR seconds < 0)",
    "SELECT 1 FROM configurations WHERE 'blob' IN (typeof(words), typeof(state), typeof(reason))",
)
"""Questions that a sound file answers with nothing."""

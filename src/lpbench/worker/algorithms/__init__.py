"""Runs one configuration of an algorithm, in a process of its own for each run."""

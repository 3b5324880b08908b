"""The program that attacks the project: ``make attack``.

A kind is one way in: a reader of outside data, an engine's library, a signal.  Each is attacked by mutants that a seed
and a number decide, so that one command repeats what failed.
"""

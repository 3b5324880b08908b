"""Postprocessors of vision models other than detectors: points, bodies, vectors, ages, angles, masks, text."""

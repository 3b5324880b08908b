"""Contracts, discovery of plugins, and helpers for those who write them."""

"""The built-in plugin: tensor processors, synthetic samples, quality metrics and commands."""

"""General helpers that do not depend on apps, plugins or measurements."""

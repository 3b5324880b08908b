"""For the suites of the core and of every plugin."""

from hypothesis import settings

# a busy machine is no failure: tests assert no times, and neither does hypothesis
settings.register_profile("lpbench", parent=settings.default, deadline=None)
settings.load_profile("lpbench")

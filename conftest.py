"""For the suites of the core and of every plugin."""

import signal

from hypothesis import settings

# a runner in the background has Ctrl-C ignored and would pass that on to what the tests start and interrupt
signal.signal(signal.SIGINT, signal.default_int_handler)

# a busy machine is no failure: tests assert no times, and neither does hypothesis
settings.register_profile("lpbench", parent=settings.default, deadline=None)
settings.load_profile("lpbench")

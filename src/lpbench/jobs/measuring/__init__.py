"""A benchmark from its plan to its result: fresh workers, each alone and then all in lockstep."""

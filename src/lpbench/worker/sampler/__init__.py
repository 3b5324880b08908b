"""The sampler: a process of its own beside a worker, in which monitors run."""

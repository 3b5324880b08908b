"""What a measured process takes of the machine: a pass of its own, with monitors in a sampler beside the worker."""

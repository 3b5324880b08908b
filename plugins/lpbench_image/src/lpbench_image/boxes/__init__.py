"""Object detection: turns the outputs of detectors into boxes in the picture."""

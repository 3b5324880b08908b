"""Detection: outputs of detectors become boxes in the picture."""

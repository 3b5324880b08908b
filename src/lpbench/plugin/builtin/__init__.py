"""What the core offers through its own hooks: tensors, synthetic samples, quality metrics."""

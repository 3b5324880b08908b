"""What the parent does with workers: measuring, converting, comparing engines, looking at the machine."""

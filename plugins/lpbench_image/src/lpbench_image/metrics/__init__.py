"""Quality metrics of vision apps, for boxes, masks and points."""

"""Quality metrics of vision apps: boxes, masks, points."""

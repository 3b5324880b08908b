"""What the outputs of vision models say: points, bodies, vectors, ages, angles, masks, text."""

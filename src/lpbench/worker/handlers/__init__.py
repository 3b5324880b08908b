"""What a worker does for each request, by concern: session, timing, quality, agreement, machine."""

"""What schedules and rates stand on: due days, a schedule without its amount, the root behind every rate."""

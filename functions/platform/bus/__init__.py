"""What moves between functions: stream records, the event bus, queues."""

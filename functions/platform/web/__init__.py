"""The HTTP edge: the call, who may make it, what is refused and how, replay and pages."""

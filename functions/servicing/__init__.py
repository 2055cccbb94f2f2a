"""What happens to plans by the calendar: the action-hour sweep, reminders, the sandbox's clock."""

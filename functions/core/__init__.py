"""Money, calendar, ids, clock, errors and the event envelope: no I/O, no AWS, no third party but calendars."""

"""Payment codes: the eighteen digits that a phone makes offline, the devices that may, and what a wrong code does."""

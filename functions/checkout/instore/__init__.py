"""Payments at a till: the shop scans a code, hears yes or no, and can always undo."""

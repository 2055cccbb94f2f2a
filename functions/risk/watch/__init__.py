"""The stream pass: what each change tells, the patterns that show over time, and what is done about them."""

"""Named lists that staff keep: who is blocked, watched, trusted; why, by whom, until when."""

"""Learning from the platform's own outcomes: export, reject inference, a challenger."""

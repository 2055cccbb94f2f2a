"""What people do about suspicions: cases, alerts, and the labels that come of them."""

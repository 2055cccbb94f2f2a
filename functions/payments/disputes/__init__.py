"""The customer contests the goods: who says what until when, who decides, and who bears it."""

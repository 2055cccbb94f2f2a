"""Renders messages in the reader's language and sends each of them once; knows no customer and no plan."""

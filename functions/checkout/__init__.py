"""Quotes, checkouts, agreements and the authorization itself: where an order meets a credit line."""

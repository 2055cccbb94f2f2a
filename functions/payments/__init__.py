"""Authorizations and captures: the promise to finance an order, and its turning into debt."""

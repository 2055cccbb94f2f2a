"""Who a customer is: identity, consents, how to reach them, how they sign in."""

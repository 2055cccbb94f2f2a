"""The hosted checkout: what a signed-in customer is offered for an order, is shown of it, and confirms."""

"""Complaints of customers: recorded, answered within their time, the words sealed with the customer's own key."""

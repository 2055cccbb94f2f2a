"""The API reference: the OpenAPI document as it is checked in, and the same as a page to read."""

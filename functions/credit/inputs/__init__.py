"""What the models see: columns, features, and how our own records become them."""

"""The typed JSON expression language in which rules are written: schema, tree, reader, compiler."""

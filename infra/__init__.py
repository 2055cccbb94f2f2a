"""How Whitenote is put into the world: template, packages, deployment, and the embedded platform for one machine."""

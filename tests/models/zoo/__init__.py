"""Small versions of well-known architectures, in plain torch: faithful structure, few channels."""

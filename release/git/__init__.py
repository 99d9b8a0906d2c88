"""Git, read and written: repository (read), objects (write), merge, transaction."""

"""Small shipped inputs and published figures, each with its source and checksum; read with `importlib.resources`."""

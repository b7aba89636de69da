"""How the loops are compiled."""

OPTIONS = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}
"""Without counts of references: each call would count every array of a `Layout` in and out, atomically, which takes
longer than a step of a small network. Functions compiled so make no arrays and keep none."""

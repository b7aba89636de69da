"""Scripts of the side interpreter. Lava imports every file beside its processes: nothing else belongs here."""

"""Circuits fitted to recorded behaviour: led through what an animal chose and got, and judged by its next choices."""

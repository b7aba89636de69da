"""The native emulator of fixed-point programs."""

"""Which metrics there are, and which of their values pass."""

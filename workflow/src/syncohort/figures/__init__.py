"""Pictures: each function reads a table and writes one SVG or PNG."""

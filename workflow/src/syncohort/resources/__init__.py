"""Public data sets by name: which there are, where their files lie, and how they are fetched."""

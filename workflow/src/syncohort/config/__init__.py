"""The configuration: typed sections, their defaults and bounds, and the files written from them."""

"""What is measured of a fitted model rather than of the people drawn from it."""

"""One training loop for every network: resumable, on one or several devices."""

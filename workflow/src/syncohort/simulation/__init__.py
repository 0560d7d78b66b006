"""Simulated cohorts and simulated traits."""

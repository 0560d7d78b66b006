"""SynCohort: synthetic human cohorts. Importing the package imports nothing heavy."""

__version__ = "0.1.0"

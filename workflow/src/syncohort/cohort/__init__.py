"""From the user's files to the cohort: who and what is used."""

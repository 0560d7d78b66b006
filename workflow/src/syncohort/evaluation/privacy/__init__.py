"""Does a synthetic cohort leak who was in the real one?"""

"""Is a synthetic cohort as good to learn the label from as the real one?"""

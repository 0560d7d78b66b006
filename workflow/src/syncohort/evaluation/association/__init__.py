"""Do synthetic people carry the associations of real people?"""

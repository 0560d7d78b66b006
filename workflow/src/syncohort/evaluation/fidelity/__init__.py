"""Are synthetic people like real people?"""

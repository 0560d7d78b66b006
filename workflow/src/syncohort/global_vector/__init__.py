"""What the chromosomes of a person share: a few numbers, drawn before any chromosome is."""

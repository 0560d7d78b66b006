"""Association of variants with a phenotype, and the variants of a study that are chosen by it."""

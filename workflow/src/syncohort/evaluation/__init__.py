"""What is measured of a synthetic cohort, each number beside its calibration rows."""

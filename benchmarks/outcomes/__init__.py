"""Speed of the statistics beside lifelines, scikit-survival and R, and recovery of a known truth."""

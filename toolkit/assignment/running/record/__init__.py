"""Records the computations of a student's networks and scripts."""

"""The recording of what a student's networks and scripts compute."""

"""What a student's own trainings leave behind, and what of it cannot be true."""

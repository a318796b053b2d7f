"""What students hand in: checked, reported, packed, and graded by teachers."""

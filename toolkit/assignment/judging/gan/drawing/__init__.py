"""What a student draws with a trained generator: samples and an interpolation."""

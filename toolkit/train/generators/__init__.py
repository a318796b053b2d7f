"""The commands `score` and `interpolate`, which take any generator file.

- `generator`: loads a file, the toolkit's or a student's, and checks its images.
- `score`: measures the images.
- `interpolate`: draws the images between two digits.
"""

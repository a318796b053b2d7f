"""The commands `score` and `interpolate`, which accept any generator file.

- `generator`: loads a generator file of the toolkit or of a student, and checks the images.
- `score`: measures the images.
- `interpolate`: draws the images between two digits.
"""

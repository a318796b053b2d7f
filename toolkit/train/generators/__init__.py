"""The commands `score` and `interpolate`, which accept any generator file.

- `generator`: loads a generator from a file that the toolkit or a student made, and checks the
  images that it generates.
- `score`: measures the images.
- `interpolate`: draws the images between two digits.
"""

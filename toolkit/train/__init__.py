"""python -m toolkit.train: train, measure, draw, export."""

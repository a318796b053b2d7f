"""The commands of python -m toolkit.train, which train, measure, draw and export."""

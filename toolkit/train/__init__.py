"""The commands of python -m toolkit.train, which train, measure and export networks, and draw
figures.
"""

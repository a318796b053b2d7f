"""The package that runs a student's code; the correct answers are deliberately kept out of this
package.

The sandbox gets a copy of this package, and no other part of the toolkit.
"""

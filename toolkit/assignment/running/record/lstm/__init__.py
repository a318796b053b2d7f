"""Modules that record what a student's LSTM computes."""

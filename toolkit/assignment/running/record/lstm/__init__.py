"""Answers about a student's LSTM."""

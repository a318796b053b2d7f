"""Judges how a student's script trains the LSTM."""

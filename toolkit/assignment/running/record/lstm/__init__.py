"""The recording of what a student's LSTM computes."""

"""Part I: an LSTM and a vanilla RNN that complete palindromes of digits."""

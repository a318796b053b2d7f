"""Part I: recurrent networks that complete palindromes."""

"""Finds the gates, c(t) and h(t) among the numbers of a network, and what deviates in them."""

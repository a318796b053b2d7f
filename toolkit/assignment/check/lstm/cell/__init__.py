"""Which numbers of a network are its gates, c(t) and h(t), and what deviates in them."""

"""One script a library: it builds an index of passages, opens it again and asks it; only our own import our code."""

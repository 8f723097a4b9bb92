"""What `gpt.py` and the vendors share: the `Wire` protocol, one HTTP exchange, its end, and what its errors mean."""

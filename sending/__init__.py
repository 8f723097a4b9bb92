"""What `delivery.py` is made of: the jobs, their schedule, their pace, and the calls that carry them out."""

"""One turn with a model or a service: its queue, limits, prompt, call and result."""

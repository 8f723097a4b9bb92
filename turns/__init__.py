"""One turn with a model: its limits, prompt, call and outcome."""

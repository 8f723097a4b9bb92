"""Language models, images and speech: what providers share, and every provider but YandexGPT."""

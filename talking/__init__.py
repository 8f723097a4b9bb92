"""Talk: the chat with the assistant. What its turns do their own way, for `storytelling.writing` to follow."""

"""The handlers: thin functions, a file a conversation. `front` reads an update and finds who answers it."""

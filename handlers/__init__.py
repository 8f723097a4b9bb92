"""The handlers: thin functions, a file a conversation. `router` reads an update and finds who answers it."""

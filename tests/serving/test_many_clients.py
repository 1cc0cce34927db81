"""Many clients at once: each gets its own answer, the same as alone."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from tiny_server import expected

from serving.client import GrpcClient, RestClient

CLIENTS, REQUESTS = 64, 5


def test_64_clients_at_once_get_what_each_would_get_alone(server, tiny):
    def texts(client):
        return [f"client {client} " + "asks " * (client % 7), "ü" * (client % 5)]

    def ask(client):
        made = RestClient(server.rest, "tiny") if client % 2 else GrpcClient(server.grpc, "tiny")
        with made as asking:
            return [asking.predict(texts(client)) for _ in range(REQUESTS)]

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(ask, range(CLIENTS)))
    wanted = expected(tiny / "2", [text for client in range(CLIENTS) for text in texts(client)])
    for client, outcomes in enumerate(answers):
        mine = slice(2 * client, 2 * client + 2)
        for outcome in outcomes:
            assert outcome["label"] == [label.decode() for label in wanted["label"][mine]]
            np.testing.assert_allclose(
                outcome["probabilities"], wanted["probabilities"][mine], atol=1e-6
            )

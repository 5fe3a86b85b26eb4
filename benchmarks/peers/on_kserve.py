"""KServe's model server with two workers, without gRPC and without a log line a request.

python on_kserve.py --http_port PORT --workers 2 --enable_grpc false --enable_latency_logging false
"""

from functools import cached_property
from typing import Any

from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer
from kserve.protocol.rest.multiprocess.server import RESTServerProcess
from network import Network, network


class Served(Model):
    """Goes to the workers by pickle, so the sessions are made there, at the first request."""

    @cached_property
    def network(self) -> Network:
        return network()

    async def predict(self, payload: InferRequest, headers: Any = None, response_headers: Any = None) -> InferResponse:
        P = self.network.probabilities(payload.inputs[0].as_numpy())
        output = InferOutput("probabilities", list(P.shape), "FP32")
        output.set_data_from_numpy(P, binary_data=False)
        return InferResponse(payload.id or "", self.name, [output])


if __name__ == "__main__":
    # A worker that has not answered after five seconds is killed, which a busy machine may need only to import it.
    RESTServerProcess.is_alive.__defaults__ = (60,)
    served = Served("benchmark")
    served.load()
    ModelServer().start([served])

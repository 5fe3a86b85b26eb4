"""MLServer with two inference workers, without metrics, gzip and a log line a request.

mlserver start FOLDER       with the settings that serving.py writes there
"""

from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse
from network import network


class Served(MLModel):
    async def load(self) -> bool:
        self.network = network()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        P = self.network.probabilities(NumpyCodec.decode_input(payload.inputs[0]))
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("probabilities", P)])

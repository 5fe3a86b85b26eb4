"""What can go wrong in the service. Each error carries its HTTP status and a stable code, or an exit code.

    ServiceError                      exit 1   the service cannot start
    ├── ConfigError                   exit 2   a setting that is unknown or has a bad value
    ├── BrokenVersion                 -        a version that is not what its manifest promises; never served
    └── RequestError                  400      bad_request
        ├── MalformedRequest          400      malformed_request        something that is not HTTP/1.1
        ├── InvalidParameter          400      invalid_parameter        ?top_k=, ?version=
        ├── IncompleteBody            400      incomplete_body          the sender stopped half way
        ├── DamagedBody               400      damaged_body             gzip that cannot be read
        ├── EmptyBody                 400      empty_body
        ├── InvalidJSON               400      invalid_json
        ├── InvalidInputs             400      invalid_inputs           numbers of the wrong shape or kind
        ├── WrongInputKind            400      wrong_input_kind         a picture for a model of numbers, or reverse
        ├── NoImage                   400      no_image                 a form or JSON without any picture
        ├── NotAnImage                400      not_an_image
        ├── DamagedImage              400      damaged_image            truncated or corrupt
        ├── Unauthorized              401      unauthorized             no API key, or one that is not accepted
        ├── Forbidden                 403      forbidden                what only a service with API keys does
        ├── ModelNotFound             404      model_not_found
        ├── VersionNotFound           404      version_not_found
        ├── NoSuchFile                404      not_found                of a page or a report
        ├── NoExplanation             404      no_explanation           published without explain.onnx
        ├── BodyTimeout               408      body_timeout             the sender took too long
        ├── BodyTooLarge              413      body_too_large
        ├── ImageTooLarge             413      image_too_large          more pixels than may be decoded
        ├── TooManyInputs             413      too_many_inputs
        ├── UnsupportedImage          415      unsupported_image        a picture, in a format that is not read here
        ├── UnsupportedMediaType      415      unsupported_media_type   neither a picture, a form nor JSON
        ├── UnsupportedEncoding       415      unsupported_encoding     a body compressed otherwise than with gzip
        ├── HeadersTooLarge           431      headers_too_large
        ├── PreprocessingFailed       500      preprocessing_failed
        ├── ModelUnavailable          503      model_unavailable        there, but unloaded, or broken in every version
        ├── Overloaded                503      overloaded               no place, or none in time; says Retry-After
        └── NotReady                  503      not_ready

Routes that do not exist, wrong methods and whatever nobody foresaw answer `not_found`, `method_not_allowed` and
`internal_error` in the same shape: {"error": {"code": "…", "message": "…"}}. Under /v2 the protocol has another one:
{"error": "…"}.
"""

# ruff: noqa: N818  the names say what is wrong, as an answer does


class ServiceError(Exception):
    """The root: its message is one line that says what was expected, what came and the way out."""

    exit_code = 1


class ConfigError(ServiceError):
    exit_code = 2


class BrokenVersion(ServiceError):
    pass


class RequestError(ServiceError):
    """A request, or one picture of it, that cannot be answered.

    status: the HTTP status; code: what a program may rely on; the message is for people.
    """

    status = 400
    code = "bad_request"

    def payload(self) -> dict[str, str]:
        """What stands under "error" in every answer that carries one."""
        return {"code": self.code, "message": str(self)}


class MalformedRequest(RequestError):
    code = "malformed_request"


class InvalidParameter(RequestError):
    code = "invalid_parameter"


class IncompleteBody(RequestError):
    code = "incomplete_body"


class DamagedBody(RequestError):
    code = "damaged_body"


class EmptyBody(RequestError):
    code = "empty_body"


class InvalidJSON(RequestError):
    code = "invalid_json"


class InvalidInputs(RequestError):
    code = "invalid_inputs"


class WrongInputKind(RequestError):
    code = "wrong_input_kind"


class NoImage(RequestError):
    code = "no_image"


class NotAnImage(RequestError):
    code = "not_an_image"


class DamagedImage(RequestError):
    code = "damaged_image"


class Unauthorized(RequestError):
    status = 401
    code = "unauthorized"


class Forbidden(RequestError):
    status = 403
    code = "forbidden"


class ModelNotFound(RequestError):
    status = 404
    code = "model_not_found"


class VersionNotFound(RequestError):
    status = 404
    code = "version_not_found"


class NoSuchFile(RequestError):
    status = 404
    code = "not_found"


class NoExplanation(RequestError):
    status = 404
    code = "no_explanation"


class BodyTimeout(RequestError):
    status = 408
    code = "body_timeout"


class BodyTooLarge(RequestError):
    status = 413
    code = "body_too_large"


class ImageTooLarge(RequestError):
    status = 413
    code = "image_too_large"


class TooManyInputs(RequestError):
    status = 413
    code = "too_many_inputs"


class UnsupportedImage(RequestError):
    status = 415
    code = "unsupported_image"


class UnsupportedMediaType(RequestError):
    status = 415
    code = "unsupported_media_type"


class UnsupportedEncoding(RequestError):
    status = 415
    code = "unsupported_encoding"


class HeadersTooLarge(RequestError):
    status = 431
    code = "headers_too_large"


class PreprocessingFailed(RequestError):
    status = 500
    code = "preprocessing_failed"


class ModelUnavailable(RequestError):
    status = 503
    code = "model_unavailable"


class Overloaded(RequestError):
    """reason: what was full, as the metrics have it."""

    status = 503
    code = "overloaded"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class NotReady(RequestError):
    status = 503
    code = "not_ready"

"""What Litestar cannot read from a handler: bodies that are files."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema

FILE: Final = Schema(type=OpenAPIType.STRING, content_media_type="application/octet-stream")


def upload_operation(media_types: Sequence[str]) -> type[Operation]:
    """Return an operation whose body is a file of one of the types, or the form field `file`."""

    @dataclass
    class UploadOperation(Operation):
        def __post_init__(self) -> None:
            form = Schema(type=OpenAPIType.OBJECT, properties={"file": FILE}, required=["file"])
            self.request_body = RequestBody(
                required=True,
                content={
                    **{media_type: OpenAPIMediaType(schema=FILE) for media_type in media_types},
                    "multipart/form-data": OpenAPIMediaType(schema=form),
                },
            )

    return UploadOperation

"""Modules as files that run without this package: ONNX, and torch's own export."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn

from ax_anasod.exceptions import ExportError, UnknownNameError
from ax_anasod.optional import require

ExportFormat = Literal["onnx", "pt2"]
EXPORT_FORMATS: Final[tuple[ExportFormat, ...]] = get_args(ExportFormat)

OPSET: Final = 18
"""Version of the ONNX operators: what ONNX Runtime reads since 1.14, of February 2023."""

METADATA: Final = "ax_anasod.json"
"""Name under which a ``pt2`` file holds the metadata."""

_OPERATOR: Final = re.compile(r"op='([\w.:]+)'")
_INPUT, _OUTPUT = "images", "probabilities"


def exported(
    module: nn.Module, example: Tensor, file_format: ExportFormat, metadata: Mapping[str, Any]
) -> bytes:
    """The content of a file that runs a module, for any number of inputs at a time.

    Args:
        module: The module, in evaluation mode; one tensor in, one out.
        example: An input of it, ``b x ...`` with b at least 2; all but b stays fixed.
        file_format: ``"onnx"``, with the operators of version 18, or ``"pt2"``, which
            :func:`torch.export.load` reads.
        metadata: What else the file is to hold: name -> JSON-able value. In ONNX these are the
            model's ``metadata_props``, each as JSON; in pt2 the extra file ``ax_anasod.json``.

    Raises:
        ExportError: The module computes something that cannot be exported.
        OptionalImportError: A package of the extra ``onnx`` is not installed.
        UnknownNameError: The format is unknown.
    """
    if file_format not in EXPORT_FORMATS:
        raise UnknownNameError("format", file_format, EXPORT_FORMATS)
    if file_format == "onnx":
        for package in ("onnx", "onnxscript", "onnxruntime"):
            require(package, "onnx")
    try:
        program = torch.export.export(
            module, (example,), dynamic_shapes=({0: torch.export.Dim("batch")},)
        )
    # It runs the code of the module with symbols in place of numbers, which may fail in any way.
    except Exception as error:
        raise ExportError(
            f"torch cannot export this network: {_first_line(error)}",
            "an operation must not depend on the values of its inputs, or on how many there are",
        ) from error
    if file_format == "pt2":
        file = io.BytesIO()
        torch.export.save(program, file, extra_files={METADATA: json.dumps(dict(metadata))})
        return file.getvalue()
    try:
        converted = torch.onnx.export(
            program,
            (example,),
            dynamo=True,
            opset_version=OPSET,
            input_names=[_INPUT],
            output_names=[_OUTPUT],
            verbose=False,
        )
    except torch.onnx.OnnxExporterError as error:
        raise _not_in_onnx(error) from error
    assert converted is not None  # since no file is named
    props = {name: json.dumps(value) for name, value in metadata.items()}
    converted.model.metadata_props.update(props)
    content: bytes = converted.model_proto.SerializeToString()
    return content


def runner(
    content: bytes, file_format: ExportFormat, *, threads: int | None = None, device: str = "cpu"
) -> Callable[[Tensor], Tensor]:
    """A function that runs the content of a file.

    Args:
        content: The content of the file, see :func:`exported`.
        file_format: Its format.
        threads: Threads of ONNX Runtime; None for its own choice.
        device: Where ONNX Runtime computes, ``"cpu"`` or ``"cuda"``.

    Returns:
        Maps inputs ``b x ...`` on the CPU to outputs there.

    Raises:
        ExportError: ONNX Runtime has no such device.
        OptionalImportError: ONNX Runtime is not installed.
    """
    if file_format == "pt2":
        module = torch.export.load(io.BytesIO(content)).module()
        return torch.no_grad()(lambda inputs: module(inputs))
    require("onnxruntime", "onnx")
    import onnxruntime

    provider = f"{device.partition(':')[0].upper()}ExecutionProvider"
    if provider not in onnxruntime.get_available_providers():
        raise ExportError(
            f"ONNX Runtime cannot compute on {device!r}",
            f"what is installed has {', '.join(onnxruntime.get_available_providers())}",
        )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if threads is not None:
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=[provider])
    return lambda inputs: torch.from_numpy(
        np.asarray(session.run([_OUTPUT], {_INPUT: inputs.numpy()})[0])
    )


def _not_in_onnx(error: Exception) -> ExportError:
    """The operator that ONNX lacks, or the other failure, on one line."""
    for cause in _causes(error):
        operator = _OPERATOR.search(str(cause))
        if operator is not None and "No ONNX function" in str(cause):
            return ExportError(
                f"ONNX has no operator for {operator[1]!r}, which this network computes",
                "export it as pt2, or search without the operation that computes it",
            )
    first = next(_causes(error))
    return ExportError(f"ONNX cannot hold this network: {_first_line(first)}", "export it as pt2")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what has led to it, the first cause first."""
    if error.__cause__ is not None:
        yield from _causes(error.__cause__)
    yield error


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)

"""A model file in the runtime, on one thread: features in, logit and contributions out.

Most runs are of one row, and half of such a run is the runtime's own way in and out: making an input, an output and
their names anew. So each thread keeps one row's input and output, bound once, and a run fills the one and reads the
other. Many rows go the usual way.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

INPUT: Final = "features"
OUTPUT: Final = "scores"
_OUTPUTS: Final = (OUTPUT,)
_TYPES: Final = {"tensor(double)": "float64", "tensor(float)": "float32"}  # the latter: compiled before ADR 0130


@dataclass(frozen=True, slots=True)
class _Bound:
    """One thread's row and its answer, bound to the session, which reads and writes them in place."""

    row: Any
    answer: Any
    binding: Any


class ModelSession:
    """A loaded model; threads may share it.

    Args:
        raw: An ONNX file with the input "features", double [n, F], and the output "scores" [n, 1 + F].
    """

    __slots__ = ("_inputs", "_own", "_session", "_type", "_width")

    def __init__(self, raw: bytes) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # what a run needs is too small to be worth planning, and an arena would keep the largest batch's for good
        options.enable_cpu_mem_arena = options.enable_mem_pattern = False
        self._session: Any = onnxruntime.InferenceSession(raw, options, providers=["CPUExecutionProvider"])
        self._inputs: int = self._session.get_inputs()[0].shape[1]
        outputs = self._session.get_outputs()[0]
        self._type, self._width = _TYPES[outputs.type], outputs.shape[1]
        self._own = threading.local()

    def run(self, rows: Sequence[Sequence[float]]) -> list[list[float]]:
        """Logit and contributions of each row.

        Args:
            rows: Features, NaN where missing.
        """
        if len(rows) == 1:
            return [self._run_one(rows[0])]
        import numpy as np

        inputs = np.array(rows, np.float64).reshape(-1, self._inputs)
        answers: list[list[float]] = self._session.run(_OUTPUTS, {INPUT: inputs})[0].tolist()
        return answers

    def _run_one(self, row: Sequence[float]) -> list[float]:
        try:
            own: _Bound = self._own.bound
        except AttributeError:
            own = self._own.bound = self._bind()
        own.row[:] = row
        self._session.run_with_iobinding(own.binding)
        answer: list[float] = own.answer.tolist()
        return answer

    def _bind(self) -> _Bound:
        import numpy as np

        row, answer = np.zeros(self._inputs), np.zeros(self._width, self._type)
        binding = self._session.io_binding()
        binding.bind_input(INPUT, "cpu", 0, row.dtype.type, (1, self._inputs), row.ctypes.data)
        binding.bind_output(OUTPUT, "cpu", 0, answer.dtype.type, (1, self._width), answer.ctypes.data)
        return _Bound(row, answer, binding)

"""What exporters of OpenTelemetry metrics are answered."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from wedsync.api.shape import Reply
from wedsync.metrics.decode import RejectedPoint
from wedsync.metrics.otlp_wire import partial_success

_REASONS_TOLD = 5


class PartialSuccess(Reply):
    """How many data points were refused, as a text, and why the first of them were."""

    rejected_data_points: str
    error_message: str


class OtlpReply(Reply):
    """``partialSuccess`` stands where something was refused; all else is on the stream."""

    partial_success: Annotated[
        PartialSuccess | None, Field(exclude_if=lambda partial: partial is None)
    ] = None

    @classmethod
    def of(cls, rejected: Sequence[RejectedPoint]) -> "OtlpReply":
        """These data points were refused."""
        if not rejected:
            return cls()
        reasons = {each.code: each.detail for each in rejected}
        told = [f"{code}: {detail}" for code, detail in list(reasons.items())[:_REASONS_TOLD]]
        refused = len({each.index for each in rejected})
        return cls(
            partial_success=PartialSuccess(
                rejected_data_points=str(refused), error_message="; ".join(told)
            )
        )

    def protobuf(self) -> bytes:
        """The same as the protocol buffer that OTLP names."""
        if self.partial_success is None:
            return b""
        return partial_success(
            rejected=int(self.partial_success.rejected_data_points),
            message=self.partial_success.error_message,
        )

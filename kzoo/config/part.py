"""A part of a config: the base class of all classes that hold settings."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, model_serializer


class Part(BaseModel):
    """A part of a config: frozen, without unknown settings, strictly typed ("10" and true are not integers)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    later: ClassVar[tuple[str, ...]] = ()  # settings that version 0.1.0 started without

    @model_serializer(mode="wrap")
    def _leave_out_later_settings(self, handler):
        """Leaves out settings that earlier versions did not have, unless they are set: config_sha256 stays the same."""
        settings = handler(self)
        return {k: v for k, v in settings.items() if k not in self.later or v != type(self).model_fields[k].default}

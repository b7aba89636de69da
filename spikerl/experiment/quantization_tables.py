"""The tables of an experiment that say how weights are stored while they learn, and on what devices."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, model_validator

from spikerl.errors import DescriptionError, message
from spikerl.hardware.quantize import Levels, Rounding
from spikerl.quantization import Device, Quantization

_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
_STATES = ("trace", "eligibility", "membrane")


class DeviceTable(BaseModel):
    """The ``[device]`` table: the fields of `spikerl.Device`, all perfect by default."""

    model_config = _STRICT

    weight_mismatch: float = Device.weight_mismatch
    threshold_mismatch: float = Device.threshold_mismatch
    read_noise: float = Device.read_noise
    dead: float = Device.dead
    update_probability: float = Device.update_probability
    endurance: int | None = Device.endurance

    @model_validator(mode="after")
    def _allowed(self) -> DeviceTable:
        self.settings()
        return self

    def settings(self) -> Device:
        """Return the device; raises `DescriptionError` that begins with the key."""
        try:
            return Device(**self.model_dump())
        except DescriptionError as error:
            raise DescriptionError(str(error).removeprefix("Device.")) from None


class QuantizationTable(BaseModel):
    """The ``[quantization]`` table: the fields of `spikerl.Quantization`, by default in floating point.

    `Levels` are written flat: `trace_bits`, `trace_top` and `trace_rounding`, and the same of `eligibility` and
    `membrane`; without bits, the state is in floating point.
    """

    model_config = _STRICT

    bits: int = Quantization.bits
    rounding: Rounding = Quantization.rounding
    scale: str = Quantization.scale
    top: float | None = Quantization.top
    headroom: float = Quantization.headroom
    hidden_bits: int = Quantization.hidden_bits
    stickiness: float = Quantization.stickiness
    rate: float = Quantization.rate
    trace_bits: int | None = None
    trace_top: float | None = None
    trace_rounding: Rounding | None = None
    eligibility_bits: int | None = None
    eligibility_top: float | None = None
    eligibility_rounding: Rounding | None = None
    membrane_bits: int | None = None
    membrane_top: float | None = None
    membrane_rounding: Rounding | None = None

    @model_validator(mode="after")
    def _allowed(self) -> QuantizationTable:
        self.settings(Device())
        return self

    def settings(self, device: Device) -> Quantization:
        """Return what is asked of the weights on `device`; raises `DescriptionError` that begins with the key."""
        flat = self.model_dump()
        own = {key: value for key, value in flat.items() if key.partition("_")[0] not in _STATES}
        own |= {state: _levels(state, flat) for state in _STATES}
        try:
            return Quantization(**own, device=device)
        except DescriptionError as error:
            raise DescriptionError(str(error).removeprefix("Quantization.")) from None


def asked(table: QuantizationTable, device: DeviceTable) -> Quantization | None:
    """Return what the two tables ask for; None for floating point on perfect devices, which is nothing to ask."""
    wanted = table.settings(device.settings())
    plain = wanted.floating and wanted.rate == 1 and not (wanted.trace or wanted.eligibility or wanted.membrane)
    return None if plain and wanted.device == Device() else wanted


def _levels(state: str, flat: dict[str, object]) -> Levels | None:
    bits, top, rounding = (flat[f"{state}_{key}"] for key in ("bits", "top", "rounding"))
    if bits is None:
        for key, value in ((f"{state}_top", top), (f"{state}_rounding", rounding)):
            if value is not None:
                remedy = f"give {state}_bits too"
                raise DescriptionError(message(key, value, f"nothing without {state}_bits", remedy))
        return None
    if top is None:
        allowed = f"a number above 0 where {state}_bits is given"
        raise DescriptionError(message(f"{state}_top", "nothing", allowed, "give the greatest value that is kept"))
    try:
        return Levels(bits, top, rounding or "nearest")  # type: ignore[arg-type]  # pydantic has checked the types
    except DescriptionError as error:
        raise DescriptionError(str(error).replace("Levels.", f"{state}_", 1)) from None

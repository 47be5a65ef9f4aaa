"""What the shim is asked to do: one checked value, which travels to another process as JSON."""

import json
from typing import Any, NamedTuple, Optional, Union

#: NumPy and TensorFlow both take these.
LARGEST_SEED = 2**32 - 1

GpuMemory = Union[str, int, float, None]
#: False, True, or "fallback".
OpDeterminism = Union[bool, str]
FALLBACK = "fallback"


class Settings(NamedTuple):
    """The arguments of `setup`; see there."""

    seed: Optional[int] = 42
    gpu_memory: GpuMemory = "growth"
    op_determinism: OpDeterminism = False
    threads: Optional[int] = None
    hash_seed: Optional[int] = None

    def check(self) -> "Settings":
        """The settings themselves; raises TypeError or ValueError, which name the argument."""
        check_number("seed", self.seed, 0, LARGEST_SEED)
        check_number("threads", self.threads, 1, 4096)
        check_number("hash_seed", self.hash_seed, 0, LARGEST_SEED)
        check_gpu_memory(self.gpu_memory)
        if not isinstance(self.op_determinism, bool) and self.op_determinism != FALLBACK:
            raise TypeError('op_determinism must be True, False or "fallback", not {!r}'.format(self.op_determinism))
        return self

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(self._asdict(), sort_keys=True)


def settings_from_json(text: str) -> Settings:
    """What `Settings.to_json` wrote."""
    return Settings(**json.loads(text)).check()


def check_number(name: str, value: Any, low: int, high: int) -> None:
    """Raise unless the value is None or a whole number from low to high."""
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("{} must be a whole number or None, not {!r}".format(name, value))
    if not low <= value <= high:
        raise ValueError("{} must be from {} to {}, not {}".format(name, low, high, value))


def check_gpu_memory(value: Any) -> None:
    """Raise unless the value is "growth", a fraction up to 1.0, megabytes or None."""
    if value is None or value == "growth":
        return
    if isinstance(value, float) and 0 < value <= 1:
        return
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return
    message = 'gpu_memory must be "growth", a fraction such as 0.5, megabytes such as 4096, or None, not {!r}'
    raise ValueError(message.format(value))

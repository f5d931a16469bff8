"""Types of a config's values, each with the words that end the message about a wrong one."""

from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Predicate
from pydantic import BaseModel, ConfigDict, Field, GetPydanticSchema, model_validator
from pydantic_core import PydanticCustomError, core_schema

from mechanics.settings import is_odd_prime


def value(kind: Any, words: str, *checks: Any, **bounds: Any) -> Any:
    """A type of values, and the words that end the message about a wrong one."""

    def told(source: Any, handler: Any) -> core_schema.CoreSchema:
        inner = handler(source)
        return core_schema.custom_error_schema(inner, "value", custom_error_message=words)

    return Annotated[kind, Field(title=words, **bounds), *checks, GetPydanticSchema(told)]


def one_of(*values: str) -> Any:
    return value(Literal[values], " or ".join([", ".join(values[:-1]), values[-1]]))


def or_null(kind: Any) -> Any:
    return value(kind | None, f"{kind.__metadata__[0].title}, or null")


def different(kind: Any) -> Any:
    words = f"a list of different values, not empty, each {kind.__metadata__[0].title}"
    return value(list[kind], words, Predicate(lambda own: len(set(own)) == len(own)), min_length=1)


def key(sentence: str, unit: str = "", default: Any = ...) -> Any:
    """A key, which is required unless it has a default."""
    return Field(default, description=sentence, json_schema_extra={"unit": unit})


SAFE = "a safe file name: letters, digits, '_', '-' and '.', the first a letter or digit"
Name = value(str, SAFE, pattern="^[A-Za-z0-9][A-Za-z0-9_.-]*$")
ModelName = value(str, "the name of another model")
Switch = value(bool, "true or false")
Natural = value(int, "a whole number of at least 0", ge=0)
Count = value(int, "a whole number of at least 1", ge=1)
Several = value(int, "a whole number of at least 2", ge=2)
Positive = value(float, "a finite number above 0", gt=0)
NotNegative = value(float, "a number of at least 0", ge=0)
Fraction = value(float, "a number in (0, 1]", gt=0, le=1)
TrainFraction = value(float, "a number between 0 and 1, both excluded", gt=0, lt=1)
Rate = value(float, "a number in [0, 1)", ge=0, lt=1)
Betas = value(list[Rate], "two numbers in [0, 1)", min_length=2, max_length=2)
Steps = value(list[Natural], "a list of steps, possibly empty")
Devices = Annotated[dict[Literal["cpu", "cuda"], Count], Field(min_length=2)]
Stack = value(
    Count | Devices, "a whole number of at least 1, or {cpu: 1, cuda: 64} for each device"
)
Width = value(Count | Literal["token"], "a whole number of at least 1, or token")
WeightsFile = value(str, "a file of weights", min_length=1)
Prime = value(int, "an odd prime number, such as 113", Predicate(is_odd_prime))


class Keys(BaseModel):
    """Keys and values that stand together in a config, and no others."""

    beside: ClassVar[str] = ""  # what no other key may stand beside
    # strict: 113.0 and true are no whole numbers, "1e-3" is no number
    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _refuse_others(cls, values: Any) -> Any:
        for name in values if isinstance(values, dict) else ():
            if name not in cls.model_fields:
                known = ", ".join(sorted(cls.model_fields))
                words = f"no such key{cls.beside}; known here: {known}"
                raise PydanticCustomError("unknown", words, {"key": name})
        return values

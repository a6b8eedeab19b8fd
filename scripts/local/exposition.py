"""Merges Prometheus expositions so that each metric family stands once and in one piece."""

from dataclasses import dataclass, field

_SUFFIXES = ("_bucket", "_sum", "_count", "_created", "_total")
_OF_A_PROCESS = ("process_", "python_")


@dataclass(slots=True)
class _Family:
    comments: list[str] = field(default_factory=list)
    samples: dict[str, str] = field(default_factory=dict)


def merge(texts: dict[str, str]) -> str:
    """One exposition (text format 0.0.4) of several, by the name of the process that shows it.

    The shop's own series carry the function that they come from; what Python tells about a
    process does not, and is given its name. Where two still show the same series, the first counts.
    """
    families: dict[str, _Family] = {}
    for process, text in texts.items():
        current = ""
        for line in text.splitlines():
            if line.startswith(("# HELP ", "# TYPE ")):
                name = line.split(" ", 3)[2]
                if name != current:
                    current = name
                comments = families.setdefault(name, _Family()).comments
                if not any(known.split(" ")[1] == line.split(" ")[1] for known in comments):
                    comments.append(line)
            elif line and not line.startswith("#"):
                series, _, value = line.rpartition(" ")
                if series.startswith(_OF_A_PROCESS):
                    series = _labelled(series, process)
                families.setdefault(_family(series, current), _Family()).samples.setdefault(
                    series, value
                )
    lines: list[str] = []
    for family in families.values():
        lines += family.comments
        lines += [f"{series} {value}" for series, value in family.samples.items()]
    return "\n".join(lines) + "\n"


def _labelled(series: str, process: str) -> str:
    name, brace, labels = series.partition("{")
    return f'{name}{{function="{process}"' + (f",{labels}" if brace else "}")


def _family(series: str, current: str) -> str:
    """The family of a sample: the one whose comments it follows, unless its name says otherwise."""
    name = series.partition("{")[0]
    if name == current or any(name == current + suffix for suffix in _SUFFIXES):
        return current
    return name

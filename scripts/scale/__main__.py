"""Print what each part of the shop bears, and what piles up: `python -m scale`."""

from scale.shop import DESIGNS, ONE_MACHINE, stations
from scale.stations import simulate

_TIMES = (1, 10, 100)


def main() -> None:
    """Print a table for each design."""
    for design in DESIGNS:
        parts = stations(design)
        print(f"{design.name}")
        print(f"  {'':20}{'bears/s':>10}" + "".join(f"{f'{n} times':>22}" for n in _TIMES))
        columns = [simulate(parts, ONE_MACHINE * times) for times in _TIMES]
        for place, part in enumerate(parts):
            cells = ""
            for times, column in zip(_TIMES, columns, strict=True):
                seen = column[place]
                over = part.limit < ONE_MACHINE * times
                text = "breaks" if over else f"p99 {seen.p99 * 1000:.1f} ms"
                cells += f"{f'{seen.busy:.0%} busy, {text}':>22}"
            print(f"  {part.name:20}{part.limit:>10,.0f}{cells}")
        (row,) = (part for part in stations(design, 1.0) if part.name == "hot row")
        print(f"  where all want one product, the hot row bears {row.limit:,.0f}/s\n")


if __name__ == "__main__":
    main()

"""What a PromQL expression names, held against what is known to exist.

The expression is walked from its selectors outwards, together with the labels that its series
still have: `sum by (function)` of a metric without that label is found, and so is a label that
an inner aggregation has dropped.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import promql_parser as promql
import yaml

from local.layout import ROOT

RULES = sorted((ROOT / "observability" / "prometheus" / "rules").glob("*.yaml"))
# Given by Prometheus itself, or by who scrapes.
_OF_A_TARGET = frozenset({"job", "instance"})
_HISTOGRAM_SUFFIXES = ("_bucket", "_sum", "_count")

Labels = frozenset[str]


class UnknownNameError(Exception):
    """The expression names a metric or a label that does not exist."""


@dataclass(slots=True)
class Vocabulary:
    """Every name that an expression may use: the series' labels and, of histograms, the edges."""

    series: dict[str, Labels] = field(default_factory=dict)
    edges: Labels = frozenset()

    @classmethod
    def of_the_shop(cls) -> "Vocabulary":
        """What metrics.yaml lists, and what the rules record."""
        document = yaml.safe_load((ROOT / "observability" / "metrics.yaml").read_text())
        vocabulary = cls(edges=frozenset(str(float(edge)) for edge in document["buckets"]))
        for entry in (*document["metrics"], *document["others"]):
            vocabulary.add(entry["name"], entry["kind"], entry["labels"])
        for rule in rules():
            if "record" in rule:
                labels = vocabulary.labels(rule["expr"]) | frozenset(rule.get("labels", {}))
                known = vocabulary.series.setdefault(rule["record"], labels)
                if known != labels:
                    raise UnknownNameError(f"{rule['record']} is recorded with other labels")
        return vocabulary

    def add(self, name: str, kind: str, labels: Iterable[str]) -> None:
        """Add a metric; a histogram is three series."""
        found = frozenset(labels) | _OF_A_TARGET
        if kind == "histogram":
            for suffix in _HISTOGRAM_SUFFIXES:
                edges = frozenset({"le"}) if suffix == "_bucket" else frozenset()
                self.series[name + suffix] = found | edges
        else:
            self.series[name] = found

    def labels(self, expression: str) -> Labels:
        """The labels that the expression's result may have.

        Raises:
            UnknownNameError: it names what does not exist.
        """
        return self._of(promql.parse(expression))

    def _of(self, node: Any) -> Labels:
        read: dict[type, Callable[[Any], Labels]] = {
            promql.VectorSelector: self._selected,
            promql.MatrixSelector: lambda each: self._selected(each.vector_selector),
            promql.ParenExpr: lambda each: self._of(each.expr),
            promql.UnaryExpr: lambda each: self._of(each.expr),
            promql.SubqueryExpr: lambda each: self._of(each.expr),
            promql.AggregateExpr: self._aggregated,
            promql.BinaryExpr: self._joined,
            promql.Call: self._called,
            promql.NumberLiteral: lambda _: frozenset(),
            promql.StringLiteral: lambda _: frozenset(),
        }
        return read[type(node)](node)

    def _selected(self, node: Any) -> Labels:
        if node.name not in self.series:
            raise UnknownNameError(f"there is no metric {node.name}")
        labels = self.series[node.name]
        for matcher in node.matchers.matchers:
            self._require(labels, [matcher.name], node.name)
            if matcher.name == "le":
                for edge in matcher.value.split("|"):
                    if edge != "+Inf" and str(float(edge)) not in self.edges:
                        raise UnknownNameError(f"{node.name} has no edge {edge}")
        return labels

    def _aggregated(self, node: Any) -> Labels:
        inner = self._of(node.expr)
        if node.modifier is None:
            # topk and its like keep whole series.
            return inner if str(node.op) in ("topk", "bottomk") else frozenset()
        named = frozenset(node.modifier.labels)
        self._require(inner, named, str(node))
        by = str(node.modifier.type).lower().endswith("by")
        return named if by else inner - named

    def _joined(self, node: Any) -> Labels:
        left, right = self._of(node.lhs), self._of(node.rhs)
        if isinstance(node.lhs, promql.NumberLiteral):
            return right
        if isinstance(node.rhs, promql.NumberLiteral) or _is_scalar(node.rhs):
            return left
        if _is_scalar(node.lhs):
            return right
        if str(node.op) == "or":
            return left | right
        matching = node.modifier.matching if node.modifier else None
        if matching is not None:
            self._require(left, matching.labels, f"the left side of {node.op}")
            self._require(right, matching.labels, f"the right side of {node.op}")
        elif str(node.op) not in ("and", "unless") and left != right:
            # Series join where all their labels agree: here they never do.
            raise UnknownNameError(f"{sorted(left)} never meet {sorted(right)}: {node}")
        return left

    def _called(self, node: Any) -> Labels:
        name = node.func.name
        inner = [self._of(argument) for argument in node.args]
        match name:
            case "label_replace":
                target, source = node.args[1].val, node.args[3].val
                if source:
                    self._require(inner[0], [source], "label_replace")
                return inner[0] | {target}
            case "histogram_quantile":
                self._require(inner[1], ["le"], "histogram_quantile")
                return inner[1] - {"le"}
            case "absent":
                matchers = getattr(node.args[0], "matchers", None)
                return frozenset(m.name for m in matchers.matchers) if matchers else frozenset()
            case "vector" | "time":
                return frozenset()
        return frozenset().union(*inner)

    @staticmethod
    def _require(labels: Labels, named: Iterable[str], where: str) -> None:
        missing = sorted(set(named) - labels)
        if missing:
            raise UnknownNameError(f"{where} has no label {', '.join(missing)}")


def _is_scalar(node: Any) -> bool:
    if isinstance(node, promql.ParenExpr):
        return _is_scalar(node.expr)
    if isinstance(node, promql.BinaryExpr):
        return _is_scalar(node.lhs) and _is_scalar(node.rhs)
    called = isinstance(node, promql.Call) and node.func.name in ("time", "scalar")
    return called or isinstance(node, promql.NumberLiteral)


def rules() -> Iterator[Mapping[str, Any]]:
    """Every rule of the project, in the order in which what they record is used."""
    documents = {path.stem: yaml.safe_load(path.read_text()) for path in RULES}
    for name in sorted(documents, key=lambda stem: stem == "alerts"):
        for group in documents[name]["groups"]:
            yield from group["rules"]

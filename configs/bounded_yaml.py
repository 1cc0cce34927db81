"""A YAML loader that no text keeps busy for long: it says in which line a text is too much.

A few hundred bytes of YAML may stand for billions of values (aliases of aliases, the "billion
laughs"), and a thousand brackets are more than Python's stack holds. A recipe needs neither.
"""

from typing import Any

import yaml

DEEPEST = 32  # recipes nest 6 levels
LARGEST = 1_000_000  # bytes, or characters, where an alias counts as a copy of what it names
_EACH = 20  # what reading a value costs, in characters
_TAG = "tag:yaml.org,2002:"


class BoundedLoader(yaml.SafeLoader):
    """Raises (on loading):
    yaml.MarkedYAMLError: nested too deeply, too large, an alias inside of what it names, a scalar
        that its tag does not fit.
    """

    def __init__(self, text: str):
        super().__init__(text)
        self._depth = self._total = 0
        self._size: dict[yaml.Node, int] = {}  # of each whole node, with all that is in it

    def compose_node(self, parent: yaml.Node | None, index: Any) -> Any:
        mark, before = self.peek_event().start_mark, self._total
        if self._depth == DEEPEST:
            raise wrong(f"nested deeper than {DEEPEST} levels", mark)
        is_alias = self.check_event(yaml.AliasEvent)
        self._depth += 1
        node: Any = super().compose_node(parent, index)
        self._depth -= 1
        if is_alias and node not in self._size:
            raise wrong("an alias stands inside of what it names", mark)
        own = len(node.value) if isinstance(node, yaml.ScalarNode) else 0
        self._total += self._size[node] if is_alias else own + _EACH
        if self._total > LARGEST:
            raise wrong("too large, counting each alias as a copy of what it names", mark)
        self._size.setdefault(node, self._total - before)
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, AttributeError) as error:
            # `!!int x`, an integer of 5,000 digits: PyYAML lets through what Python says of them.
            kind = node.tag.removeprefix(_TAG)
            raise wrong(f"cannot be read as {kind}", node.start_mark) from error


def wrong(problem: str, mark: yaml.Mark) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, mark)

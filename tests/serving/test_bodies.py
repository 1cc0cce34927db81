"""Values of a JSON text counted from its pieces, against a walk through the parsed document."""

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from serving.bodies import ValueCounter

TEXTS = st.text(alphabet='a,[{\\"é\n', max_size=5)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
)


def separators(value) -> int:
    """Commas, and brackets and braces that open, outside of texts."""
    if not isinstance(value, list | dict):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(len(value) - 1, 0) + sum(map(separators, inner))


@given(DOCUMENTS, st.booleans(), st.lists(st.integers(0, 200), max_size=5))
def test_values_are_counted_however_a_body_is_cut(document, escaped, cuts):
    body = json.dumps(document, ensure_ascii=escaped).encode()
    counter = ValueCounter()
    places = [0, *sorted(cuts), len(body)]
    for start, stop in pairwise(places):
        counter.add(body[start:stop])
    assert counter.count == 1 + separators(document)

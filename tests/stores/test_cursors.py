"""A cursor leads on in the list that gave it out, and nowhere else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.errors import Invalid
from wedsync.stores.cursors import open_cursor, seal


@settings(deadline=None)
@given(scope=st.text(), after=st.text())
def test_a_cursor_opens_in_its_own_list(scope: str, after: str) -> None:
    scope, after = (text.encode(errors="replace").decode() for text in (scope, after))
    cursor = seal(scope, after)
    assert cursor is not None
    assert cursor.isascii()
    assert open_cursor(scope, cursor) == after


@settings(deadline=None)
@given(scope=st.text(), other=st.text())
def test_a_cursor_opens_in_no_other_list(scope: str, other: str) -> None:
    scope, other = (text.encode(errors="replace").decode() for text in (scope, other))
    if scope != other:
        with pytest.raises(Invalid):
            open_cursor(other, seal(scope, "place"))


@settings(deadline=None)
@given(cursor=st.text(max_size=200))
def test_what_is_no_cursor_is_refused_by_name(cursor: str) -> None:
    with pytest.raises(Invalid) as refused:
        open_cursor("demo#weddings None", cursor)
    assert refused.value.errors[0].pointer == "cursor"


def test_the_beginning_and_the_end_have_no_cursor() -> None:
    assert seal("scope", None) is None
    assert open_cursor("scope", None) is None

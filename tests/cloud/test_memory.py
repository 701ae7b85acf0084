"""What a warm process carries from one look at stored things to the next."""

from itertools import count

from wedsync.cloud.memory import Memory


def test_what_is_made_of_a_version_is_made_once() -> None:
    memory, made = Memory(), count()

    def look(**versions: int) -> dict[str, int]:
        carried = memory.carried("looks")
        found = {
            name: carried.of(name, version, made.__next__) for name, version in versions.items()
        }
        memory.carry("looks", carried)
        return found

    assert look(a=1, b=1) == {"a": 0, "b": 1}
    assert look(a=1, b=1) == {"a": 0, "b": 1}
    assert look(a=2, b=1) == {"a": 2, "b": 1}
    assert look(b=1) == {"b": 1}
    assert look(a=2, b=1) == {"a": 3, "b": 1}, "what nobody asked for was not carried"
    memory.forget()
    assert look(b=1) == {"b": 4}


def test_what_was_made_of_a_former_version_can_be_looked_at() -> None:
    memory = Memory()
    first = memory.carried("looks")
    assert first.of("a", 1, lambda: "one") == "one"
    assert first.last("a", str) is None, "it was made just now"
    memory.carry("looks", first)
    second = memory.carried("looks")
    assert (second.holds("a", 1), second.holds("a", 2), second.holds("b", 1)) == (
        True,
        False,
        False,
    )
    assert second.of("a", 2, lambda: "two") == "two"
    assert second.of("a", 2, lambda: "three") == "two"
    assert (second.last("a", str), second.last("a", int)) == ("one", None)

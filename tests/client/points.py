"""Numbered points of one wedding."""


def point(wedding_id: str, name: str, number: int) -> dict[str, object]:
    own = {"weddingId": wedding_id, "dims": {"n": str(number)}}
    return {"name": name, "kind": "counter", "value": 1, **own}

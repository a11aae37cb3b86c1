"""What one request cost or may cost, shared out over its pictures: exact, nothing lost, nothing counted twice. Pure."""

from collections.abc import Mapping


def shares(total: int, pictures: int, known: Mapping[int, int]) -> dict[int, int]:
    """Place of a picture → its part of `total`, in millionths.

    `pictures` were asked for; `known` are the prices of those that came, by their place (more may come than were asked
    for). What is left is shared by those that did not come, or by all where it can't be theirs.
    """
    places = sorted({*range(pictures), *known})
    rest = total - sum(known.values())
    open_ = [place for place in places if place not in known]
    if rest < 0 or (rest and not open_):
        return _evenly(total, places)
    return {**known, **_evenly(rest, open_)}


def _evenly(total: int, places: list[int]) -> dict[int, int]:
    each, left = divmod(total, len(places)) if places else (0, 0)
    return {place: each + (number < left) for number, place in enumerate(places)}

"""Pictures that the rules of ``labels`` claim wrongly, by looking at contact sheets."""

REJECTED: frozenset[str] = frozenset()

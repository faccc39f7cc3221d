import logging

import pytest

from nemesis_sweep.messages.only_errors import only_errors


def test_errors_are_seen_and_warnings_are_not_until_it_is_over(caplog) -> None:
    logger = logging.getLogger("a.library")
    with pytest.raises(ValueError), only_errors("a.library"):
        logger.warning("hidden")
        logger.error("seen")
        raise ValueError
    logger.warning("seen again")
    assert [record.message for record in caplog.records] == ["seen", "seen again"]

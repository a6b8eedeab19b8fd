import pytest

from shop.create_topics import Topic, read
from shop.settings import SettingError


def test_topics_are_read_with_their_settings() -> None:
    text = '{"a": {"partitions": 6, "config": {"retention.ms": 5}}, "b": {"partitions": 1}}'

    assert read(text) == [Topic("a", 6, {"retention.ms": "5"}), Topic("b", 1)]


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"a": 1}', '{"a": {}}', '{"a": {"partitions": "x"}}']
)
def test_what_is_not_a_list_of_topics_is_named(text: str) -> None:
    with pytest.raises(SettingError, match="TOPICS"):
        read(text)

import json
from dataclasses import replace
from pathlib import Path

import pytest

from devenv.assets.config import CdnConfig, load
from devenv.errors import DevenvError

CONFIG = CdnConfig(
    name="cdn",
    host="127.84.12.9",
    port=9600,
    cache=Path("/p/.devenv/cache/assets"),
    compiler=Path("/tools/compiler-1"),
    cwd=Path("/p"),
    django=Path("/p/manage.py"),
    environment={"PATH": "/bin"},
)


@pytest.mark.parametrize("config", [CONFIG, replace(CONFIG, django=None, dirs=(Path("/a"),))])
def test_what_was_written_is_read(tmp_path, config):
    file = tmp_path / "cdn.json"
    file.write_text(config.to_json())
    assert load(file) == config


@pytest.mark.parametrize(
    "change",
    [{"django": None}, {"dirs": ["/a"]}, {"dirs": 1}, {"surprise": 1}, {"cache": ...}],
)
def test_what_was_not_written_by_us_is_one_sentence(tmp_path, change):
    raw = json.loads(CONFIG.to_json()) | change
    file = tmp_path / "cdn.json"
    file.write_text(json.dumps({key: value for key, value in raw.items() if value is not ...}))
    with pytest.raises(DevenvError) as caught:
        load(file)
    assert caught.value.code == "assets.config-unreadable"


@pytest.mark.parametrize("text", ["", "[]", "null", "\udcff"])
def test_no_text_ends_in_anything_else(tmp_path, text):
    file = tmp_path / "cdn.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DevenvError):
        load(file)

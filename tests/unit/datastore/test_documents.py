# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.datastore.documents import (
    compact_json,
    object_or_empty,
    parse_object,
)
from ansible_collections.container_network.lab.plugins.module_utils.errors import InvalidInput


def test_documents_have_no_blanks():
    assert compact_json({"a": [1, None], "b": {"c": True}}) == '{"a":[1,null],"b":{"c":true}}'


def test_an_object_is_read_back():
    assert parse_object('{"a": 1}', "the record") == object_or_empty('{"a": 1}') == {"a": 1}


@pytest.mark.parametrize(
    ("text", "message"), [("{", "the record is not JSON ("), ("[1]", "the record is not a JSON object: '[1]'")]
)
def test_anything_else_is_refused_or_empty(text, message):
    with pytest.raises(InvalidInput) as failure:
        parse_object(text, "the record")
    assert str(failure.value).startswith(message)
    assert object_or_empty(text) == {}

# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One search for English and Chinese.

English words are found by their stems, as Sphinx does it. Chinese has no spaces between words: all pairs of adjacent
characters are in the index, and the single ones; of what somebody types all pairs must be on the page. No dictionary
has to know the words of the trade.
"""

from __future__ import annotations

import re
from typing import Any

from sphinx.search.en import SearchEnglish

WORD = re.compile(r"[\u3400-\u9fff]+|[^\W\u3400-\u9fff]+")


def is_chinese(word: str) -> bool:
    """Whether the word is Chinese characters only."""
    return "\u3400" <= word[0] <= "\u9fff"


class EnglishAndChinese(SearchEnglish):
    """Sphinx's search in English, which cuts Chinese into pairs of characters."""

    js_splitter_code = r"""
function splitQuery(query) {
  const words = query.match(/[\u3400-\u9fff]+|(?:(?![\u3400-\u9fff])[\p{L}\p{N}_])+/gu) || [];
  return words.flatMap(word => !/^[\u3400-\u9fff]{2,}$/.test(word) ? [word]
    : [...word].slice(1).map((character, place) => word[place] + character));
}
"""

    def split(self, input: str) -> list[str]:
        """The words of the text, and the characters and pairs of what is Chinese."""
        found: list[str] = []
        for word in WORD.findall(input):
            if is_chinese(word):
                found += [*word, *map("".join, zip(word, word[1:]))]
            else:
                found.append(word)
        return found


def setup(app: Any) -> dict[str, bool]:
    """Registers the search in the place of the English one."""
    app.add_search_language(EnglishAndChinese)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""Where the sentences of documents end.

By sentencex, of Wikimedia: of the splitters tried on paragraphs of the English Web Treebank the
best and the fastest (docs/pretraining.md), and it knows the abbreviations of many languages.
"""

import sentencex


def sentences(text: str, language: str) -> list[str]:
    """The sentences of a text in their order; blank ones are left out. The end of a line ends one.

    Args: language, a code of ISO 639; of one that is not known English's rules are taken.
    """
    found = (
        sentence for line in text.split("\n") for sentence in sentencex.segment(language, line)
    )
    return [sentence for sentence in found if not sentence.isspace()]

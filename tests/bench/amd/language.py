"""A language of the corpus, with what espeak-ng says in it."""

from typing import Literal

import msgspec

Split = Literal["dev", "many", "test", "fresh", "unseen"]
"""
To train and choose on: few voices, of which the model is made, and many; to measure on; and to measure on once more, when the voices before have been
looked at too often.
"""


class Language(msgspec.Struct, frozen=True):
    """Texts of one espeak-ng voice."""

    voice: str
    split: Split
    hellos: tuple[str, ...]
    business: tuple[str, ...]
    """A person who answers with a sentence: a company, a name, an offer to help."""
    greetings: tuple[str, ...]
    """Personal and carrier voicemail greetings, from short to long."""
    after_hello: tuple[str, ...]
    """What follows the recorded "hello" and its pause."""
    others: tuple[str, ...]
    """A full mailbox, an announcement, a menu, a screening assistant; in this order."""

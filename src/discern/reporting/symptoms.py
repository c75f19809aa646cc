"""Symptoms as a clinician writes them, read by a fixed list of words: nothing is guessed."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from discern.errors import UsageError
from discern.findings import Side
from discern.reporting.symptom_words import VOCABULARY, Complaint, Meaning, Part, Root, Roots

EXAMPLES = '"left leg pain, L5 dermatome" or "左下肢痛, L5皮节麻木"'
_LONGEST = 2000
_ROOT = r"(?<![a-z0-9])(?:(?P<letter>[ls])|(?P<word>[腰骶]))\s*(?P<number>[1-5])(?![0-9])"
_CLAUSE = re.compile(r"[,;.\n。]|\bbut\b|但")  # NFKC has made the full-width marks plain


def _pattern() -> re.Pattern[str]:
    listed = sorted(VOCABULARY, key=lambda word: (-len(word), word))
    words = [rf"\b{re.escape(one)}\b" if one.isascii() else re.escape(one) for one in listed]
    return re.compile("|".join((_ROOT, *words, r"(?P<unknown>[a-z0-9'-]+|[^\s\W])")))


_TOKEN = _pattern()


@dataclass(frozen=True, slots=True)
class RootSign:
    """A sign of a nerve root: the words, and the roots they speak for."""

    words: str
    roots: tuple[Root, ...]


@dataclass(frozen=True, slots=True)
class Symptoms:
    """What was understood of a text.

    Attributes:
        sides: The patient's own left, right or both; empty where none is stated.
        complaints: In the order of their enum.
        signs: Signs of nerve roots, in the order of the text.
        denied: Words that the text says are not there; they count for nothing.
        unknown: Words that were not understood.
    """

    sides: tuple[Side, ...] = ()
    complaints: tuple[Complaint, ...] = ()
    signs: tuple[RootSign, ...] = ()
    denied: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def roots(self) -> dict[Root, float]:
        """Weight of each root: the largest of 1 / (roots a sign speaks for) over the signs."""
        named = [(root, 1 / len(sign.roots)) for sign in self.signs for root in sign.roots]
        return {root: max(w for one, w in named if one is root) for root in sorted(dict(named))}

    @property
    def in_leg(self) -> bool:
        """Whether anything points to the leg: pain, numbness, weakness or a root."""
        leg = {Complaint.LEG_PAIN, Complaint.NUMBNESS, Complaint.WEAKNESS}
        return bool(self.signs or leg & set(self.complaints))


@dataclass(frozen=True, slots=True)
class _Token:
    words: str
    meaning: Meaning


def parse_symptoms(text: str) -> Symptoms:
    """Return what a text in English or Chinese says; a clause with "no" or 无 is denied.

    >>> parse_symptoms("left leg pain, L5 dermatome").roots
    {<Root.L5: 'L5'>: 1.0}
    >>> parse_symptoms("右腿痛, 无麻木").denied
    ('麻木',)

    Raises:
        UsageError: No word of it is understood, or it is longer than 2,000 characters.
    """
    if len(text) > _LONGEST:
        raise UsageError(f"--symptoms: over {_LONGEST} characters; give the symptoms in few words")
    clauses = [_tokens(one) for one in _CLAUSE.split(unicodedata.normalize("NFKC", text).lower())]
    stated: list[_Token] = []
    denied: list[str] = []
    for clause in clauses:
        here, gone = _denied(clause)
        stated += _joined(here)
        denied += [one.words for one in gone if _tells(one)]
    symptoms = _symptoms(stated, denied)
    if not (symptoms.sides or symptoms.complaints or symptoms.signs):
        raise UsageError(f"--symptoms: nothing in it is understood; write for example {EXAMPLES}")
    return symptoms


def _symptoms(stated: list[_Token], denied: list[str]) -> Symptoms:
    meanings = [meaning for token in stated for meaning in token.meaning]
    return Symptoms(
        sides=tuple(side for side in Side if side in meanings),
        complaints=tuple(one for one in Complaint if one in meanings),
        signs=tuple(dict.fromkeys(_signs(stated))),
        denied=tuple(dict.fromkeys(denied)),
        unknown=tuple(dict.fromkeys(token.words for token in stated if not token.meaning)),
    )


def _signs(tokens: Iterable[_Token]) -> Iterator[RootSign]:
    for token in tokens:
        for meaning in token.meaning:
            if isinstance(meaning, Roots):
                yield RootSign(token.words, meaning.roots)


def _tokens(clause: str) -> list[_Token]:
    return [_token(match) for match in _TOKEN.finditer(clause)]


def _token(match: re.Match[str]) -> _Token:
    if match["number"]:
        letter = match["letter"] or {"腰": "l", "骶": "s"}[match["word"]]
        name = f"{letter}{match['number']}".upper()
        return _Token(name, (Roots((Root(name),)),) if name in set(Root) else ())
    return _Token(match[0], () if match["unknown"] else VOCABULARY[match[0]])


def _tells(token: _Token) -> bool:
    return any(not isinstance(one, (Part, Side)) for one in token.meaning) or (
        Part.PAIN in token.meaning
    )


def _denied(clause: list[_Token]) -> tuple[list[_Token], list[_Token]]:
    """Split a clause into what it states and what it says is not there."""
    parts = [part for token in clause for part in token.meaning]
    if Part.NORMAL in parts or (Part.LOST in parts and Part.REFLEX not in parts):
        return [], clause
    where = [i for i, token in enumerate(clause) if Part.NEGATION in token.meaning]
    start = where[0] if where else len(clause)
    return clause[:start], clause[start:]


def _joined(clause: list[_Token]) -> list[_Token]:
    """Give pain its place: leg, back, or the area of the root named beside it."""
    parts = {part for token in clause for part in token.meaning}
    to_leg = Part.LEG in parts or any(isinstance(one, Roots) for one in parts)
    pain = (Complaint.LEG_PAIN,) if to_leg else ()
    back = (Complaint.BACK_PAIN,) if Part.BACK in parts else ()
    meanings: dict[Part | Complaint, Meaning] = {
        Part.PAIN: (*pain, *back),
        Part.RADIATING: pain,
        Complaint.LEG_PAIN: (Complaint.LEG_PAIN, *back),
    }
    return [_with_place(one, meanings) for one in clause]


def _with_place(token: _Token, meanings: dict[Part | Complaint, Meaning]) -> _Token:
    for part, meaning in meanings.items():
        if part in token.meaning:
            return _Token(token.words, tuple(dict.fromkeys((*token.meaning[1:], *meaning))))
    return token

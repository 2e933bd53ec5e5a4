"""Changes of texts: what hurried writers, other keyboards and copied layouts do to them."""

import random
import re
from collections.abc import Callable, Mapping
from typing import Final

from evaluation.benchmarks.perturbing.kind import PerturbationKind

ROWS: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
MISSPELT: Final = {
    "accommodate": "accomodate", "achieve": "acheive", "across": "accross", "address": "adress", "always": "allways",
    "amount": "ammount", "apparent": "apparant", "argument": "arguement", "because": "becuase", "before": "befor",
    "beginning": "begining", "believe": "beleive", "business": "buisness", "calendar": "calender", "can't": "cant",
    "committee": "comittee", "completely": "completly", "definitely": "definately", "describe": "discribe",
    "different": "diffrent", "difficult": "dificult", "disappear": "dissapear", "doesn't": "dosent", "don't": "dont",
    "each": "eahc", "environment": "enviroment", "every": "evry", "exist": "exsist", "experience": "experiance",
    "favourite": "favorate", "finally": "finaly", "first": "frist", "foreign": "foriegn", "friend": "freind",
    "from": "form", "government": "goverment", "grammar": "grammer", "happened": "happend", "have": "ahve",
    "immediately": "immediatly", "important": "importent", "independent": "independant", "interesting": "intresting",
    "knowledge": "knowlege", "language": "langauge", "length": "lenght", "library": "libary", "little": "litle",
    "making": "makeing", "message": "mesage", "minute": "minuite", "necessary": "neccessary", "occurred": "occured",
    "people": "poeple", "possible": "possable", "probably": "probaly", "really": "realy", "receive": "recieve",
    "recommend": "reccomend", "said": "siad", "school": "shcool", "separate": "seperate", "should": "shoud",
    "similar": "similiar", "special": "speical", "strange": "starnge", "surprise": "suprise", "than": "then",
    "that": "taht", "their": "thier", "there": "ther", "they": "thay", "thing": "thign", "think": "thnik",
    "through": "trough", "together": "togehter", "tomorrow": "tommorow", "truly": "truely", "until": "untill",
    "usually": "usualy", "very": "verry", "want": "wnat", "weird": "wierd", "which": "wich", "while": "whlie",
    "with": "wiht", "without": "witout", "would": "woud", "writing": "writting", "your": "yuor",
}  # fmt: skip
CONTRACTED: Final = {
    "are not": "aren't", "cannot": "can't", "could not": "couldn't", "did not": "didn't", "do not": "don't",
    "does not": "doesn't", "had not": "hadn't", "has not": "hasn't", "have not": "haven't", "he is": "he's",
    "i am": "i'm", "i have": "i've", "i will": "i'll", "is not": "isn't", "it is": "it's", "let us": "let's",
    "she is": "she's", "should not": "shouldn't", "that is": "that's", "there is": "there's", "they are": "they're",
    "they have": "they've", "was not": "wasn't", "we are": "we're", "we have": "we've", "were not": "weren't",
    "what is": "what's", "will not": "won't", "would not": "wouldn't", "you are": "you're", "you have": "you've",
}  # fmt: skip
EXPANDED: Final = {short: long for long, short in CONTRACTED.items()}
GENDERED: Final = {
    "he": "she", "him": "her", "his": "her", "himself": "herself", "man": "woman", "men": "women", "boy": "girl",
    "boys": "girls", "father": "mother", "fathers": "mothers", "son": "daughter", "sons": "daughters",
    "brother": "sister", "brothers": "sisters", "husband": "wife", "husbands": "wives", "uncle": "aunt",
    "uncles": "aunts", "nephew": "niece", "nephews": "nieces", "king": "queen", "kings": "queens", "prince": "princess",
    "gentleman": "lady", "gentlemen": "ladies", "mr": "ms", "sir": "madam", "actor": "actress", "actors": "actresses",
    "waiter": "waitress", "waiters": "waitresses", "male": "female", "males": "females", "dad": "mum", "grandfather":
    "grandmother", "boyfriend": "girlfriend", "groom": "bride", "widower": "widow", "grandson": "granddaughter",
}  # fmt: skip
SWAPPED: Final = GENDERED | {one: other for other, one in GENDERED.items() if one != "her"} | {"mrs": "mr"}


def typos(text: str, chance: random.Random, p: float) -> str:
    """Letters are swapped, left out, doubled, or hit beside the key; each with the probability p."""
    found: list[str] = []
    at = 0
    while at < len(text):
        letter = text[at]
        after = text[at + 1 : at + 2]
        if not letter.isalpha() or chance.random() >= p:
            found.append(letter)
            at += 1
            continue
        slip = chance.choice(("swap", "drop", "double", "beside"))
        if slip == "swap" and after.isalpha():
            found.append(after + letter)
            at += 1
        elif slip == "drop" and (after.isalpha() or (found and found[-1].isalpha())):
            pass
        elif slip == "beside" and letter.lower() in NEIGHBOURS:
            hit = chance.choice(NEIGHBOURS[letter.lower()])
            found.append(hit.upper() if letter.isupper() else hit)
        else:
            found.append(letter * 2)
        at += 1
    return "".join(found)


def casing(text: str, chance: random.Random, p: float) -> str:
    """Words become large, small or turned over."""

    def change(word: str) -> str:
        return chance.choice((str.upper, str.lower, str.swapcase))(word)

    return _each(r"\w+", text, chance, p, change)


def spaces(text: str, chance: random.Random, p: float) -> str:
    return _each(r"[ \t]", text, chance, p, lambda gap: gap * chance.randint(2, 4))


def punctuation(text: str, chance: random.Random, p: float) -> str:
    return _each(r"(?<=\w)[^\w\s](?=\s|$)", text, chance, p, lambda _mark: "")


def misspellings(text: str, chance: random.Random, p: float) -> str:
    return _replaced(MISSPELT, text, chance, p)


def contractions(text: str, chance: random.Random, p: float) -> str:
    """Short forms become long ones, long forms short."""
    return _replaced(CONTRACTED | EXPANDED, text, chance, p)


def gender_terms(text: str, chance: random.Random, p: float) -> str:
    """Terms become those of the other gender; "her" is read as an object where no word follows."""

    def change(found: re.Match[str]) -> str:
        if chance.random() >= p:
            return found[0]
        word = found[0].lower()
        her = "his" if found[1] else "him"
        return _cased(her if word == "her" else SWAPPED.get(word, found[0]), found[0])

    return re.sub(rf"\b(?:her|{'|'.join(SWAPPED)})\b(?=(\s+\w)?)", change, text, flags=re.IGNORECASE)


def _replaced(words: Mapping[str, str], text: str, chance: random.Random, p: float) -> str:
    """Words of the list, each with the probability p, in the case they had.

    Patterns that ignore case take ı, İ and ſ for i and s: a word with one of them is none of the list, and stays.
    """
    listed = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    pattern = rf"\b(?:{listed})\b"
    return _each(pattern, text, chance, p, lambda found: _cased(words.get(found.lower(), found), found))


def _each(pattern: str, text: str, chance: random.Random, p: float, change: Callable[[str], str]) -> str:
    """Every match is changed with the probability p."""
    return re.sub(
        pattern, lambda found: change(found[0]) if chance.random() < p else found[0], text, flags=re.IGNORECASE
    )


def _cased(word: str, like: str) -> str:
    if like.isupper() and len(like) > 1:
        return word.upper()
    return word[0].upper() + word[1:] if like[:1].isupper() else word


def _neighbours() -> dict[str, str]:
    """The keys beside each key, in its row and the rows around it."""
    place = {key: (row, at) for row, keys in enumerate(ROWS) for at, key in enumerate(keys)}
    return {
        key: "".join(
            other
            for other, (row, at) in place.items()
            if other != key and abs(row - place[key][0]) <= 1 and abs(at - place[key][1]) <= 1
        )
        for key in place
    }


NEIGHBOURS: Final = _neighbours()

KINDS: Final[tuple[PerturbationKind[str], ...]] = (
    PerturbationKind(
        name="typos",
        column="text",
        description="Each letter is swapped with the next, left out, doubled or hit beside its key with probability p.",
        p=0.05,
        change=typos,
        by_word=True,
    ),
    PerturbationKind(
        name="casing",
        column="text",
        description="Each word is written in capitals, in small letters or turned over with probability p.",
        p=0.5,
        change=casing,
        by_word=True,
    ),
    PerturbationKind(
        name="spaces",
        column="text",
        description="Each space becomes two to four with probability p.",
        p=0.3,
        change=spaces,
    ),
    PerturbationKind(
        name="punctuation",
        column="text",
        description="Each punctuation mark at the end of a word is left out with probability p.",
        p=0.5,
        change=punctuation,
    ),
    PerturbationKind(
        name="misspellings",
        column="text",
        description="Each of a hundred English words that are often misspelt is so with probability p.",
        p=1.0,
        change=misspellings,
        language="en",
        by_word=True,
    ),
    PerturbationKind(
        name="contractions",
        column="text",
        description="English short forms become long ones and long forms short with probability p.",
        p=1.0,
        change=contractions,
        language="en",
    ),
    PerturbationKind(
        name="gender_terms",
        column="text",
        description="English words for women and men, such as she and he, change places with probability p.",
        p=1.0,
        change=gender_terms,
        language="en",
        by_word=True,
    ),
)

"""Initial consonants (초성) of Korean names, so that ``ㅅㅅㅈㅈ`` finds 삼성전자."""

_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_FIRST, _LAST, _BLOCK = 0xAC00, 0xD7A3, 588  # Unicode: Hangul syllables, 588 to each initial consonant


def initials(text: str) -> str:
    """``text`` with each Hangul syllable replaced by its initial consonant, in lower case and without blanks."""
    return "".join(
        _INITIALS[(ord(char) - _FIRST) // _BLOCK] if _FIRST <= ord(char) <= _LAST else char.lower() for char in text if not char.isspace()
    )

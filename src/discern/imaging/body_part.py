"""What BodyPartExamined (0018,0015) says, where it can be believed.

Operators leave it as the last protocol set it: in one archive it was wrong in 15 % of the files
(Gueld et al., SPIE 4685:280, 2002). So only a part that nobody mistakes for the lumbar spine speaks
against a series, and one that borders on it only makes another series preferred.
"""

import re

_NOT_LUMBAR = frozenset(
    re.findall(
        r"\w+",
        """
        HEAD BRAIN SKULL FACE ORBIT EYE EAR IAC JAW MAXILLA MANDIBLE TMJ SINUS PITUITARY SELLA
        NECK HEADNECK CSPINE CERVICALSPINE CERVICAL
        SHOULDER CLAVICLE SCAPULA ARM UPPERARM HUMERUS ELBOW FOREARM WRIST HAND FINGER THUMB
        BREAST HEART PROSTATE THIGH FEMUR KNEE LEG LOWERLEG TIBIA FIBULA ANKLE FOOT CALCANEUS TOE
        """,
    )
)
"""Terms of PS3.16 annex L and their usual spellings. CHEST, ABDOMEN, PELVIS and HIP are left out:
lumbar series are filed under them."""
_BORDERING = frozenset(("TSPINE", "THORACICSPINE", "THORACIC"))


def _plain(stated: str) -> str:
    return re.sub(r"[^A-Z]", "", stated.upper())


def is_not_lumbar(stated: str) -> bool:
    """Whether a part is stated that no lumbar study has; nothing or nonsense states none.

    >>> is_not_lumbar("C-Spine"), is_not_lumbar("TSPINE"), is_not_lumbar(""), is_not_lumbar("X9")
    (True, False, False, False)
    """
    return _plain(stated) in _NOT_LUMBAR


def is_elsewhere(stated: str) -> bool:
    """Whether another series of the study is to be preferred.

    >>> is_elsewhere("TSPINE"), is_elsewhere("BRAIN"), is_elsewhere("LSPINE")
    (True, True, False)
    """
    return _plain(stated) in _NOT_LUMBAR | _BORDERING

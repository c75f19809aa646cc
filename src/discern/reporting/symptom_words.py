"""The words of symptoms that are understood, English and Chinese, and the roots they speak for.

Skin areas follow the key sensory points of ISNCSCI (Rupp et al., Top Spinal Cord Inj Rehabil 27:1,
2021) and the map of Keegan and Garrett (Anat Rec 102:409, 1948); movements follow the key muscles
of ISNCSCI; reflexes: knee L4, ankle S1 (Kreiner et al., Spine J 14:180, 2014). Maps of dermatomes
disagree and overlap (Lee et al., Clin Anat 21:363, 2008): they order levels, they prove nothing.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from discern.findings import Side


class Root(StrEnum):
    """A nerve root; members run head to foot."""

    L1 = "L1"
    L2 = "L2"
    L3 = "L3"
    L4 = "L4"
    L5 = "L5"
    S1 = "S1"
    S2 = "S2"


class Complaint(StrEnum):
    """What the patient has; ``sphincter`` stands for signs of a cauda equina syndrome."""

    LEG_PAIN = "leg_pain"
    BACK_PAIN = "back_pain"
    NUMBNESS = "numbness"
    WEAKNESS = "weakness"
    SPHINCTER = "sphincter"


class Part(Enum):
    """Words that mean something only together with others."""

    PAIN = auto()
    LEG = auto()
    BACK = auto()
    REFLEX = auto()
    NEGATION = auto()
    NORMAL = auto()
    LOST = auto()
    RADIATING = auto()
    FILLER = auto()


@dataclass(frozen=True, slots=True)
class Roots:
    """The roots one word speaks for; more than one where the maps share them."""

    roots: tuple[Root, ...]


Meaning = tuple[Side | Complaint | Part | Roots, ...]


def _roots(*names: str) -> Meaning:
    return (Roots(tuple(map(Root, names))),)


_REFLEXES = {
    _roots("L4"): ("knee reflex", "knee jerk", "patellar reflex", "膝反射", "膝腱反射", "膝跳反射"),
    _roots("S1"): ("ankle reflex", "ankle jerk", "achilles reflex", "踝反射", "跟腱反射"),
}

_MOVEMENTS = {
    _roots("L2"): ("hip flexion", "屈髋"),
    _roots("L3"): ("knee extension", "quadriceps", "伸膝", "股四头肌"),
    _roots("L4", "L5"): (
        "ankle dorsiflexion", "dorsiflexion", "foot drop", "drop foot", "heel walking",
        "踝背伸", "足背伸", "背伸", "足下垂", "垂足",
    ),
    _roots("L5"): (
        "big-toe extension", "big toe extension", "great toe extension", "toe extension", "ehl",
        "hip abduction", "𧿹趾背伸", "拇趾背伸", "大趾背伸", "踇趾背伸", "趾背伸", "髋外展",
    ),
    _roots("S1"): (
        "plantar flexion", "plantarflexion", "toe walking", "tiptoe", "跖屈", "踮脚", "提踵",
    ),
}  # fmt: skip

_SKIN = {
    _roots("L1"): ("groin", "腹股沟"),
    _roots("L2", "L3"): (
        "anterior thigh", "front of thigh", "front of the thigh",
        "大腿前侧", "大腿前方", "大腿前面",
    ),
    _roots("L3"): ("medial knee", "inner knee", "膝内侧", "膝关节内侧"),
    _roots("L4"): (
        "medial calf", "medial lower leg", "shin", "medial malleolus", "medial ankle",
        "小腿内侧", "内踝",
    ),
    _roots("L5"): (
        "lateral calf", "lateral lower leg", "dorsum of foot", "dorsum of the foot", "dorsal foot",
        "top of foot", "top of the foot", "big toe", "great toe",
        "小腿外侧", "足背", "脚背", "大趾", "拇趾", "踇趾", "大脚趾",
    ),
    _roots("S1"): (
        "lateral foot", "outer foot", "little toe", "heel", "sole", "lateral malleolus",
        "足外侧", "足外缘", "小趾", "小脚趾", "足跟", "脚跟", "足底", "脚底", "外踝",
    ),
    _roots("S1", "S2"): ("posterior calf", "back of calf", "back of the calf", "小腿后侧"),
    _roots("S2"): (
        "posterior thigh", "back of thigh", "back of the thigh", "popliteal fossa",
        "大腿后侧", "腘窝",
    ),
}  # fmt: skip

_COMPLAINTS: dict[Meaning, tuple[str, ...]] = {
    (Complaint.LEG_PAIN,): (
        "leg pain", "sciatica", "radicular pain", "radiculopathy", "radiating pain",
        "腿痛", "腿疼", "下肢痛", "下肢疼痛", "坐骨神经痛", "放射痛", "放射性疼痛", "根性痛",
    ),
    (Complaint.BACK_PAIN,): (
        "back pain", "low back pain", "lower back pain", "lumbago", "backache", "lbp", "axial pain",
        "腰痛", "腰疼", "下腰痛", "腰背痛", "背痛", "腰部疼痛",
    ),
    (Complaint.BACK_PAIN, Complaint.LEG_PAIN): ("腰腿痛", "腰腿疼"),
    (Complaint.NUMBNESS,): (
        "numbness", "numb", "tingling", "paresthesia", "paraesthesia", "hypoesthesia",
        "sensory loss", "pins and needles", "麻木", "发麻", "感觉减退", "感觉异常", "麻",
    ),
    (Complaint.WEAKNESS,): (
        "weakness", "weak", "paresis", "palsy", "无力", "乏力", "肌力下降", "肌力减退", "力弱",
    ),
    (Complaint.SPHINCTER,): (
        "saddle anesthesia", "saddle anaesthesia", "saddle numbness", "urinary retention",
        "incontinence", "cauda equina", "bladder dysfunction", "鞍区麻木", "尿潴留", "尿失禁",
        "大小便失禁", "大小便障碍", "马尾综合征",
    ),
}  # fmt: skip

_SIDES: dict[Meaning, tuple[str, ...]] = {
    (Side.LEFT,): ("left", "left-sided", "lt", "左", "左侧"),
    (Side.RIGHT,): ("right", "right-sided", "rt", "右", "右侧"),
    (Side.LEFT, Side.RIGHT): ("both", "bilateral", "both sides", "双侧", "两侧", "双"),
}

_PARTS: dict[Meaning, tuple[str, ...]] = {
    (Part.PAIN,): ("pain", "painful", "ache", "aching", "疼痛", "疼", "痛"),
    (Part.LEG,): ("leg", "legs", "thigh", "calf", "buttock", "lower limb", "下肢", "腿", "臀部"),
    (Part.BACK,): ("back", "low back", "lower back", "lumbar", "腰", "腰部", "下腰", "腰骶部"),
    (Part.RADIATING,): ("radiating", "radiates", "radiation", "放射"),
    (Part.NEGATION,): (
        "no", "not", "without", "denies", "denied", "negative for",
        "无", "没有", "否认", "不伴", "未见", "无明显",
    ),
    (Part.NORMAL,): ("normal", "intact", "preserved", "正常", "存在"),
    (Part.LOST,): ("absent", "消失"),
    (Part.FILLER,): (
        "and", "or", "with", "in", "of", "the", "to", "a", "an", "on", "side", "sided",
        "dermatome", "dermatomal", "myotome", "root", "nerve", "distribution", "area",
        "reduced", "decreased", "diminished", "loss", "foot", "reflex", "is", "has", "patient",
        "皮节", "肌节", "神经根", "神经", "分布区", "区域", "支配区", "伴", "伴有", "及",
        "和", "与",
        "或", "向", "减弱", "减退", "下降", "侧", "感", "部", "区", "的", "足", "患者",
        "腰骶",
    ),
}  # fmt: skip


def _vocabulary() -> dict[str, Meaning]:
    words = {
        word: meaning
        for table in (_MOVEMENTS, _SKIN, _COMPLAINTS, _SIDES, _PARTS)
        for meaning, listed in table.items()
        for word in listed
    }
    reflexes = {
        word: (*meaning, Part.REFLEX) for meaning, listed in _REFLEXES.items() for word in listed
    }
    return words | reflexes


VOCABULARY = _vocabulary()
"""Lower-case word or phrase -> what it means."""

"""What people loved doing, as pictures: the words, where the face is, and what a family may not want to see in it.

Nobody else's face is ever invented: an audience is seen from behind, and there is no scene with grandchildren.
"""

from dataclasses import dataclass, field

from gpujobs.workflows.face_points import Pose

# Three-quarter views leave the scene its room; a face much smaller than this loses its likeness.
FRAMINGS = {
    "centre": Pose(x=0.5, y=0.34, pupils=0.075),
    "left": Pose(x=0.36, y=0.34, pupils=0.075, turn=18),
    "right": Pose(x=0.64, y=0.34, pupils=0.075, turn=-18),
    "bowed": Pose(x=0.44, y=0.36, pupils=0.075, turn=14, nod=16),
}


@dataclass(frozen=True, kw_only=True)
class Veto:
    """Something in the scene that can be left out: the words that bring it and those that keep it away."""

    words: str
    against: str


@dataclass(frozen=True, kw_only=True)
class Scene:
    """``doing`` follows the person in the prompt, ``place`` is where.

    ``never_against``: what is kept out of every other scene and is what this one is about.
    """

    doing: str
    place: str
    framing: str
    vetoes: dict[str, Veto] = field(default_factory=dict)
    never_against: str = ""


SCENES = {
    "singing": Scene(
        doing="singing with feeling, dressed in elegant stage clothes",
        place="on a concert stage under a warm spotlight",
        framing="left",
        vetoes={
            "microphone": Veto(words="a microphone in one hand", against="microphone, microphone stand"),
            "audience": Veto(words="an audience seen from behind in the dark", against="audience, crowd"),
        },
    ),
    "dancing": Scene(
        doing="dancing gracefully, caught in a calm moment",
        place="in a softly lit hall with a wooden floor",
        framing="left",
        vetoes={
            "hanbok": Veto(words="wearing a flowing pastel hanbok", against="hanbok"),
            "fan": Veto(words="a folding fan held low", against="fan"),
        },
    ),
    "fishing": Scene(
        doing="fishing contentedly, wearing an outdoor vest",
        place="at the edge of a calm lake in the early morning, mist over the water, hills behind",
        framing="right",
        vetoes={
            "rod": Veto(words="a fishing rod reaching out over the water", against="fishing rod"),
            "hat": Veto(words="wearing a fishing hat", against="hat, cap"),
        },
    ),
    "hiking": Scene(
        doing="resting on a hike, wearing a light outdoor jacket",
        place="at a mountain summit with granite peaks and autumn leaves behind, clear blue sky",
        framing="centre",
        vetoes={
            "hat": Veto(words="wearing a sun hat", against="hat, cap"),
            "backpack": Veto(words="the straps of a small backpack on the shoulders", against="backpack"),
        },
    ),
    "gardening": Scene(
        doing="tending the garden, wearing a simple apron",
        place="among blooming flowers in a small sunny garden",
        framing="left",
        vetoes={
            "hat": Veto(words="wearing a straw hat", against="hat"),
            "tools": Veto(words="a watering can beside", against="watering can, tools"),
        },
    ),
    "farming": Scene(
        doing="standing proudly, wearing plain work clothes",
        place="in a green vegetable field in the countryside, low hills behind, late afternoon sun",
        framing="right",
        vetoes={
            "hat": Veto(words="wearing a straw hat", against="hat"),
            "harvest": Veto(words="a basket of fresh vegetables in front", against="basket"),
        },
    ),
    "painting": Scene(
        doing="painting a landscape, absorbed in the work",
        place="in a bright studio with north light",
        framing="left",
        vetoes={
            "easel": Veto(words="a canvas on an easel at the side", against="easel, canvas"),
            "apron": Veto(words="wearing a painter's apron", against="apron"),
        },
        never_against="painting",
    ),
    "calligraphy": Scene(
        doing="practising calligraphy with a quiet mind, wearing plain light clothes",
        place="at a low wooden desk in a traditional Korean room with paper doors",
        framing="bowed",
        vetoes={
            "brush": Veto(words="a brush over white paper", against="brush"),
            "writing": Veto(words="ink strokes on the paper", against="letters, writing, text"),
        },
    ),
    "baduk": Scene(
        doing="thinking over a game of baduk",
        place="beside a thick wooden board with black and white stones, a quiet wooden room, window light",
        framing="bowed",
        vetoes={"tea": Veto(words="a cup of tea beside the board", against="cup, tea")},
    ),
    "seaside": Scene(
        doing="on a journey, looking out happily, hair moved by the breeze, wearing a light coat",
        place="on a coastal path above the blue sea, clear horizon, soft sunlight",
        framing="right",
        vetoes={
            "hat": Veto(words="wearing a brimmed hat", against="hat"),
            "scarf": Veto(words="a light scarf", against="scarf"),
        },
    ),
    "cooking": Scene(
        doing="cooking a good meal with care, wearing an apron",
        place="in a warm home kitchen with fresh vegetables on the table",
        framing="left",
        vetoes={
            "steam": Veto(words="steam rising from a pot", against="steam, smoke"),
            "kimchi": Veto(words="a bowl of fresh kimchi", against="kimchi"),
        },
    ),
    "reading": Scene(
        doing="at ease in a quiet hour, wearing a soft cardigan",
        place="in an armchair by a window, afternoon light",
        framing="bowed",
        vetoes={
            "book": Veto(words="reading an open book in the lap, bookshelves behind", against="book, bookshelves"),
            "tea": Veto(words="a cup of tea on a side table", against="cup, tea"),
        },
    ),
    "blossoms": Scene(
        doing="strolling and enjoying the spring, wearing light spring clothes",
        place="under cherry trees in full bloom",
        framing="centre",
        vetoes={"petals": Veto(words="petals falling through the air", against="petals in the air")},
    ),
    "cycling": Scene(
        doing="pausing for a rest on the way, wearing a light sports jacket",
        place="on a riverside path with reeds, open sky",
        framing="right",
        vetoes={
            "helmet": Veto(words="wearing a helmet", against="helmet"),
            "bicycle": Veto(words="on a bicycle ride, the handlebar of the bicycle in front", against="bicycle"),
        },
    ),
    "golf": Scene(
        doing="relaxed after a good shot, wearing a neat polo shirt",
        place="on a green golf course with pine trees, clear morning",
        framing="centre",
        vetoes={
            "cap": Veto(words="wearing a golf cap", against="cap, hat"),
            "club": Veto(words="a golf club over the shoulder", against="golf club"),
        },
    ),
    "knitting": Scene(
        doing="knitting in comfort, wearing a warm sweater",
        place="in a cosy living room, balls of wool, soft lamp light",
        framing="bowed",
        vetoes={"cat": Veto(words="a sleeping cat beside", against="cat")},
    ),
}

VETOES = tuple(sorted({veto for scene in SCENES.values() for veto in scene.vetoes}))

"""Texts and words that the encoders are tried on."""

TEXTS = [
    "A cold pack eases the swelling.",
    "x",
    "Treatment > Self-care\n" + "Stretch the calf slowly and hold it. " * 20,
    "Émollients, µg and 痛み.",
    "",
]
WORDS = (
    "calf",
    "cramp",
    "night",
    "stretch",
    "quinine",
    "magnesium",
    "toe",
    "muscle",
    "sleep",
    "salt",
    "dose",
)

"""What the pictures of `kzoo look` say of models whose outputs are numbers or labels and not classes."""

from kzoo.analysis.model_inputs import OutputNames

OF_NUMBERS = {  # {title: (title, text)} of pictures of an output
    "Where the class is": (
        "What raises the number",
        "Grad-CAM: the places of the last maps that raise the number. Bright places are those, at the resolution of "
        "these maps; since it weights whole maps, it misses what dense layers read from single positions, and can be "
        "empty.",
    ),
    "What the class needs": (
        "What the number needs",
        "How much the number falls when a square of the input is covered. Red places are those without which it is "
        "smaller, by as much as the scale says, and blue ones those without which it is larger.",
    ),
    "How far features move": (
        "How far features move",
        "The distance between the layer's maps of the example and of its shifts, and the number. A layer is invariant "
        "as far as its curve stays low.",
    ),
}


def words_for(title: str, text: str, called: OutputNames) -> tuple[str, str]:
    """Returns the title and the text of a picture, which speak of classes, for a model of other outputs.

    >>> words_for("Where the class is", "The logit of the most probable class.", OutputNames("label"))
    ('Where the label is', 'The probability of the most probable label.')
    """
    if called.unit == "number":
        return OF_NUMBERS.get(title, (title, text))
    if called.unit == "label":
        return title.replace("class", "label"), text.replace("logit", "probability").replace("class", "label")
    return title, text

"""The study's figures as they stand in the page: picture, title, caption, links to their data."""

import base64
import re
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from docutils.core import publish_parts
from PIL import Image

TITLES = {
    "regression_learning_curves": "Risk over training",
    "regression_risk_by_context": "Risk against context length",
    "effective_weights": "Effective weights: gradient descent or least squares?",
    "algorithm_match": "Which algorithm does each network compute?",
    "attention_maps_regression": "Attention maps",
    "depth_bracket": "What depth buys",
    "kernel_smoother": "Softmax attention as a kernel smoother",
    "rank_collapse": "Rank collapse",
    "regression_generalisation": "Outside of what was trained on",
    "regression_emergence": "Smooth or abrupt?",
    "grokking_curves": "Training curves: grokking",
    "progress_measures": "Progress measures",
    "weight_norm": "The norm of the weights",
    "weight_decay_survival": "Weight decay and grokking",
    "weight_decay_circuit": "Weight decay and simplicity",
    "embedding_spectrum": "Fourier spectrum of the embedding",
    "embedding_svd": "Singular values of the embedding",
    "embedding_circles": "Circles, and principal components",
    "neuron_frequencies": "Neurons by frequency",
    "logit_identities": "Trigonometric identities in the logits",
    "neuron_patching": "Activation patching",
    "frequency_ablation": "Without one frequency",
    "embedding_ablation": "Frequencies removed from the embedding",
    "parsimony": "How few suffice",
    "attention_maps_addition": "Attention maps",
}


@dataclass(frozen=True)
class Picture:
    """A figure in the page. ``data`` are paths of its tables, relative to the study's folder."""

    name: str
    title: str
    source: str
    width: int
    height: int
    alt: str
    caption: str
    data: list[str]


def title(name: str) -> str:
    return TITLES.get(name, name.replace("_", " ").capitalize())


def caption_html(text: str) -> str:
    """reStructuredText as HTML without a frame. Raises docutils' SystemMessage on an error."""
    settings = {"halt_level": 2, "report_level": 2, "raw_enabled": False}
    settings |= {"file_insertion_enabled": False}
    return publish_parts(text, writer="html5", settings_overrides=settings)["fragment"].strip()


def read_picture(name: str, png: Path, caption: Path, data: list[str], task: str) -> Picture:
    """The PNG's pixels as a data URL of lossless WebP, which is less than half its size."""
    image = Image.open(png).convert("RGB")
    small = BytesIO()
    image.save(small, "WEBP", lossless=True)
    shown = caption_html(caption.read_text())
    first = re.split(r"(?<=[.?])\s", re.sub(r"<[^>]+>", "", shown).replace("\n", " "))[0]
    return Picture(
        name=name,
        title=title(name),
        source="data:image/webp;base64," + base64.b64encode(small.getvalue()).decode(),
        width=image.width,
        height=image.height,
        alt=f"{title(name)}, {task}. {first}",
        caption=shown,
        data=data,
    )

"""The report is easy to read: few numbers, short sentences."""

import json
import re
from pathlib import Path

import pypdf

import build_report
from mechanics.figures.registry import REPORT
from mechanics.report.text import WORDS

ROOT = Path(__file__).parents[2]
NUMBER = re.compile(rf"\d[\d.,]*(?: × 10\S+)?|\b(?:{'|'.join(WORDS[2:])})\b", re.IGNORECASE)


def sentences(pdf: Path) -> list[str]:
    """Those of the running text, without references."""
    kept = []

    def visit(text, transform, text_transform, _font, size):
        points = size * abs(transform[3] * text_transform[3])
        if text.isspace() or 8.5 < points < 10:  # captions and tables are smaller, the title larger
            kept.append(text)

    for page in pypdf.PdfReader(pdf).pages:
        page.extract_text(visitor_text=visit)
    text = re.sub(r"-\s*\n|\[[\d, –]+\]", "", "".join(kept))
    return re.split(r"(?<=[.?!])\s+", " ".join(text.split()))


def test_the_published_report_has_at_most_sixty_numbers_and_three_a_sentence(content, tmp_path):
    claims = tmp_path / "claims.json"
    claims.write_text(json.dumps(content))
    figures = [ROOT / f"results/published/figures/{name}.pdf" for name in REPORT]
    build_report.build(ROOT / "workflow/report", claims, figures, tmp_path / "report.pdf")
    found = sentences(tmp_path / "report.pdf")
    assert any(own.startswith("Its step size is 0.63") for own in found)
    assert [own for own in found if len(NUMBER.findall(own)) > 3] == []
    assert 40 < sum(len(NUMBER.findall(own)) for own in found) <= 60
    assert sum(len(own.split()) for own in found) <= 22 * len(found)

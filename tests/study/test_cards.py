"""The card beside the weights tells a stranger, who has none of our code, how to run them."""

import json
import re
import subprocess
import sys

import pandas as pd
from clock_network import clock_network
from helpers import addition_settings, run_program

from mechanics.models.weights import Network, write_network
from mechanics.study.lineage import ROOT
from write_cards import MEASURED


def test_the_lines_of_the_card_run_where_our_code_is_not(tmp_path):
    weights, clock = clock_network(11, [2, 3])
    sizes = {
        "n_heads": clock.n_heads,
        "d_model": clock.d_model,
        "d_mlp": clock.d_mlp,
        "d_head": clock.d_head,
    }
    settings = addition_settings(**sizes)
    own = {name: tensor.float() for name, tensor in weights.items()}
    linear = settings | {"attention": "linear"}
    paths = []
    for model, its in (("linear", linear), ("clock", settings)):
        path = tmp_path / f"weights/modular_addition/{model}/seed4.safetensors"
        write_network(path, Network("modular_addition", model, 4, 20, "grokked", its, own))
        paths.append(path)
    compared, card = tmp_path / "compared.csv", tmp_path / "weights/README.md"
    row = ["clock", "modular_addition", "accuracy, all pairs", 0.97531, 0.9, 1.0, 5]
    pd.DataFrame([row], columns=MEASURED).to_csv(compared, index=False)
    template = ROOT / "workflow/report/weights.md"
    given = ("--weights", *paths, "--compared", compared, "--template", template)
    run_program("write_cards", *given, "--output", card)
    text = card.read_text("utf-8")
    assert "0.9753" in text and "@" not in text
    assert json.loads((paths[0].parent / "config.json").read_text())["transformer_lens"] is None
    lines = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
    ran = subprocess.run(
        [sys.executable, "-Ic", lines],
        cwd=card.parent,
        env={"HOME": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == str((5 + 9) % 11)

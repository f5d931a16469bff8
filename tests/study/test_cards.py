"""The card beside the weights tells a stranger, who has none of our code, how to run them."""

import json
import re
import subprocess
import sys

import pandas as pd
from clock_network import clock_network
from helpers import addition_settings, sizes_of

from mechanics.models.weights import Network, write_network
from mechanics.study import cards


def test_the_lines_of_the_card_run_where_our_code_is_not(tmp_path):
    weights, clock = clock_network(11, [2, 3])
    settings = addition_settings(**sizes_of(clock), d_head=clock.d_head)
    own = {name: tensor.float() for name, tensor in weights.items()}
    linear = settings | {"attention": "linear", "weights": "./theirs.pth"}
    files = []
    for model, its in (("linear", linear), ("clock", settings)):
        files.append(f"weights/modular_addition/{model}/seed4.safetensors")
        network = Network("modular_addition", model, 4, 20, "grokked", its, own)
        write_network(tmp_path / files[-1], network)
    row = ["clock", "modular_addition", "accuracy, all pairs", 0.97531, 0.9, 1.0, 5]
    (tmp_path / "tables").mkdir()
    pd.DataFrame([row], columns=cards.MEASURED).to_csv(tmp_path / cards.COMPARED, index=False)
    configs = [f"weights/modular_addition/{model}/config.json" for model in ("linear", "clock")]
    assert cards.write(tmp_path, files) == [*configs, cards.CARD]
    text = (tmp_path / cards.CARD).read_text("utf-8")
    assert "0.9753" in text and "@" not in text
    assert re.search(r"/linear`.*trained elsewhere", text)
    assert not re.search(r"/clock`.*trained elsewhere", text)
    assert json.loads((tmp_path / configs[0]).read_text())["transformer_lens"] is None
    lines = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
    ran = subprocess.run(
        [sys.executable, "-Ic", lines],
        cwd=tmp_path / "weights",
        env={"HOME": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == str((5 + 9) % 11)

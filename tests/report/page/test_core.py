"""The networks in JavaScript answer as those in PyTorch do, all sums and any prompt."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

import build_page
from mechanics.addition.ablation import excluded_logits, judge, key_spectrum
from mechanics.addition.activations import addition_activations
from mechanics.addition.embedding_ablation import answers_with, in_embedding
from mechanics.addition.fourier import frequencies, key_frequencies
from mechanics.models import regression
from mechanics.models.prompts import sample_prompts
from mechanics.report.page.networks import describe, tensors_of
from mechanics.report.page.pack import pack_network
from mechanics.study.results import final_networks, model_for, networks

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="no node on the PATH")
ROOT = Path(__file__).parents[3]
STUDY = ROOT / "results/published"


def run_node(program: str, given: object, folder: Path):
    """What a program with the page's networks prints of ``given``; both are JSON."""
    (folder / "given.json").write_text(json.dumps(given))
    core = build_page.program(build_page.CORE)
    read = 'const given = require("./given.json");'
    (folder / "program.js").write_text(f"{core} {read} (async () => {{ {program} }})();")
    command, told = [NODE, folder / "program.js"], {"capture_output": True, "text": True}
    result = subprocess.run(command, **told, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_all_sums_are_answered_alike_with_and_without_a_frequency(tmp_path):
    network = final_networks(STUDY, *model_for(STUDY, "clock"))[0].exact()
    W_E, own = network.weights["embed.W_E"][0], network.architecture
    logits, expected = addition_activations(network.weights, own).logits, []
    keys = key_frequencies(key_spectrum(network, logits))
    other = next(k for k in frequencies(logits.shape[1]) if k not in keys)
    taken = [[], [keys[0], other]]
    for off in taken:
        in_W_E = answers_with(network.weights, own, in_embedding(W_E, off, keep=False))
        in_logits = judge(excluded_logits(logits, off))
        expected += [found.over_all() for found in (in_W_E, in_logits)]
    program = """
      const net = new Addition(await unpack(given.network)), found = [];
      for (const off of given.taken) for (const place of ["embedding", "logits"]) {
        const { right, loss } = answerAll(net, off, place);
        found.push([right, loss]);
      }
      console.log(JSON.stringify(found));
    """
    given = {"network": pack_network(tensors_of(network)), "taken": taken}
    found = run_node(program, given, tmp_path)
    n = len(logits)
    right, losses = zip(*found, strict=True)
    assert right == tuple(round(row["accuracy"] * n) for row in expected)
    assert losses == pytest.approx([row["loss"] for row in expected], rel=1e-6)
    assert right[0] == n > right[2]


def test_prompts_are_answered_alike(tmp_path):
    own = [network for network in networks(STUDY) if network[0] == "linear_regression"]
    shown = [final_networks(STUDY, *network)[0] for network in own]
    shown = [network for network in shown if not network.settings["d_max"]]
    every_kind = {"linear_L1", "softmax_L1", "deep_L6", "deep_L6_no_skip"}
    assert every_kind <= {network.model for network in shown}
    prompts = sample_prompts("evaluation", 0, 0, 3, 20, 2, shown[0].settings["d"]).double()
    program = """
      const found = [];
      for (const { network, architecture } of given.networks) {
        const net = new Regression(await unpack(network), architecture);
        const answer = (X, i) => [...net.predict(X, given.y[i], given.queries[i]).predictions];
        found.push(given.x.map(answer));
      }
      console.log(JSON.stringify(found));
    """
    given = {"x": prompts.x[0], "y": prompts.y[0], "queries": prompts.x_test[0]}
    given = {name: values.tolist() for name, values in given.items()}
    given["networks"] = [describe(network) for network in shown]
    found = np.array(run_node(program, given, tmp_path))
    with torch.no_grad():
        for network, own in zip(shown, found, strict=True):
            exact = network.exact()
            expected = regression.forward(exact.weights, prompts, exact.architecture)[0]
            np.testing.assert_allclose(own, expected.numpy(), atol=1e-5, err_msg=network.model)


def test_weights_in_int8_are_those_of_python(tmp_path):
    whole = np.arange(-3, 3, dtype="i1").reshape(2, 3)
    exact = np.array([1.5, -2.25, 3e-9], dtype="f4")
    given = pack_network({"coarse": (whole, 0.5), "fine": (exact, None)})
    program = """
      const { coarse, fine } = await unpack(given);
      console.log(JSON.stringify([coarse.shape, [...coarse.data], [...fine.data]]));
    """
    shape, coarse, fine = run_node(program, given, tmp_path)
    assert shape == [2, 3]
    assert coarse == (whole * 0.5).ravel().tolist()
    assert fine == exact.tolist()


@pytest.mark.parametrize("k", [3, 12])
def test_least_squares_is_the_shortest_solution(tmp_path, k):
    draw = np.random.default_rng(0)
    X, y = draw.normal(size=(k, 5)), draw.normal(size=k)
    program = "console.log(JSON.stringify(leastSquares(given.X, given.y)));"
    found = run_node(program, {"X": X.tolist(), "y": y.tolist()}, tmp_path)
    np.testing.assert_allclose(found, np.linalg.pinv(X) @ y, atol=1e-9)

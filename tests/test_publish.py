"""What a study must hold to be published."""

import pytest
from helpers import run_program, write_sweep_config


@pytest.mark.parametrize(("device", "blocks"), [("cpu", ["0", "1"]), ("cuda", ["0-1"])])
def test_every_run_of_a_sweep_is_asked_for(tmp_path, device, blocks):
    files = write_sweep_config(tmp_path, device)
    with pytest.raises(SystemExit, match="publish.py: the study is not finished") as ended:
        run_program("publish", "--study", tmp_path, "--config", *files)
    for name in ("softmax_L1", "softmax_L1_train_fraction0.5"):
        for block in blocks:
            assert f"/runs/modular_addition/{name}/{block}/run.json" in str(ended.value)

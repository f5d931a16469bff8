"""What the command line gives is checked as a file is; the message says where it stands."""

import json

import pytest
from tiny_study import snakemake, succeeded

WITHOUT = "config/config.yaml, left out by --replace-workflow-config: results_folder = (absent)"
NESTED = 'modular_addition.p = "13": expected an odd prime number, such as 113; --config gives nest'


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--replace-workflow-config"], WITHOUT),
        (["--config", 'modular_addition={"p": 13}'], f"--config: {NESTED}"),
    ],
)
def test_wrong_command_line_is_named(clone, arguments, message):
    result = snakemake(clone, "--dry-run", *arguments)
    assert result.returncode != 0
    assert message in result.stdout + result.stderr


@pytest.mark.parametrize("folder", ["other/", "./other"])
def test_a_folder_may_be_written_as_one_likes(clone, folder):
    result = succeeded(
        snakemake(clone, "--dry-run", "--config", f"results_folder={json.dumps(folder)}")
    )
    assert "other/tiny/ro-crate-metadata.json" in result.stdout

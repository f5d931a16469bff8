"""The embedding followed through the checkpoints of a run."""

import pytest
import torch
from helpers import addition_settings

from mechanics.addition.embedding import circle, key_plane, number_embeddings
from mechanics.addition.embedding_trace import trace

P = 11


@pytest.fixture
def traced(recorded):
    """Planes and circles of embeddings, by seed and step."""

    def follow(embeddings: dict[tuple[int, int], torch.Tensor], keys: dict[int, list[int]]):
        weights = {at: {"embed.W_E": W_E} for at, W_E in embeddings.items()}
        tables = trace(recorded(addition_settings(p=P), weights), keys)
        return tables["embedding_planes"], tables["embedding_trace"]

    return follow


def random_embedding(seed: int) -> torch.Tensor:
    return torch.randn(P + 1, 8, generator=torch.Generator().manual_seed(seed))


def test_coordinates_are_those_in_the_plane_of_every_checkpoint(traced):
    embeddings = {(0, step): random_embedding(step) for step in (0, 5)}
    planes, circles = traced(embeddings, {0: [2, 4]})
    assert len(planes) == 2 * 2 * P
    for (_, step), W_E in embeddings.items():
        numbers = number_embeddings(W_E)
        expected = circle(numbers, key_plane(numbers, 4), 4)
        own = planes[(planes["step"] == step) & (planes["frequency"] == 4)]
        assert own["number"].tolist() == list(range(P))
        found = torch.tensor(own[["x", "y"]].to_numpy())
        torch.testing.assert_close(found.double(), expected.coordinates, atol=1e-6, rtol=1e-5)
        row = circles[(circles["step"] == step) & (circles["frequency"] == 4)].iloc[0]
        assert row["angle_r_squared"] == pytest.approx(expected.angle_r_squared)


def test_seeds_without_keys_and_checkpoints_that_are_not_finite_have_no_rows(traced):
    broken = torch.full((P + 1, 8), torch.nan)
    embeddings = {(0, 0): random_embedding(0), (0, 5): broken, (1, 0): random_embedding(1)}
    planes, circles = traced(embeddings, {0: [3], 1: []})
    assert set(zip(planes["seed"], planes["step"], strict=True)) == {(0, 0)}
    assert len(circles) == 1


def test_a_run_without_any_key_gives_empty_tables(traced):
    planes, circles = traced({(0, 0): random_embedding(0)}, {0: []})
    assert planes.empty
    assert list(planes.columns) == ["seed", "step", "frequency", "number", "x", "y"]
    assert circles.empty

"""The embedding followed through the checkpoints of a run."""

import pytest
import torch
from helpers import addition_settings

from mechanics.addition.embedding import circle, key_plane, number_embeddings
from mechanics.addition.following import PLANES, embedding_planes

P = 11


@pytest.fixture
def planes_of(recorded):
    """Planes of the embeddings that seed 0 had, by step."""

    def follow(embeddings: dict[int, torch.Tensor], keys: list[int]):
        weights = {(0, step): {"embed.W_E": W_E} for step, W_E in embeddings.items()}
        return embedding_planes(recorded(addition_settings(p=P), weights), 0, keys)

    return follow


def random_embedding(seed: int) -> torch.Tensor:
    return torch.randn(P + 1, 8, generator=torch.Generator().manual_seed(seed))


def test_coordinates_are_those_in_the_plane_of_every_checkpoint(planes_of):
    embeddings = {step: random_embedding(step) for step in (0, 5)}
    planes = planes_of(embeddings, [2, 4])
    assert len(planes) == 2 * 2 * P
    for step, W_E in embeddings.items():
        numbers = number_embeddings(W_E)
        expected = circle(numbers, key_plane(numbers, 4), 4)
        own = planes[(planes["step"] == step) & (planes["frequency"] == 4)]
        assert own["number"].tolist() == list(range(P))
        found = torch.tensor(own[["x", "y"]].to_numpy())
        torch.testing.assert_close(found.double(), expected.coordinates, atol=1e-6, rtol=1e-5)


def test_a_checkpoint_that_is_not_finite_has_no_rows_and_without_keys_the_table_is_empty(planes_of):
    embeddings = {0: random_embedding(0), 5: torch.full((P + 1, 8), torch.nan)}
    assert set(planes_of(embeddings, [3])["step"]) == {0}
    planes = planes_of(embeddings, [])
    assert planes.empty
    assert list(planes.columns) == PLANES

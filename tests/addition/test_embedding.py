"""Circles of known shape in a random plane, and the planes of a run that is followed."""

import pytest
import torch
from clock_network import random_orthonormal
from helpers import addition_settings, normal, write_checkpoints

from mechanics.addition.embedding import (
    circle,
    embedding_rows,
    key_plane,
    number_embeddings,
    principal_plane,
    random_circle,
)
from mechanics.addition.following import PLANES, embedding_planes
from mechanics.training.checkpoint import Run

D_MODEL = 16


def planted(p: int, waves: list[tuple[int, float, float]]) -> torch.Tensor:
    """Embeddings with axes of the given lengths along cos and sin of each frequency, directions
    orthonormal, far from the origin; "=" is the last row."""
    directions = random_orthonormal(D_MODEL, 0)
    t = torch.arange(p, dtype=torch.float64)
    W_E = torch.full((p + 1, D_MODEL), 5.0, dtype=torch.float64)
    for i, (k, along_cos, along_sin) in enumerate(waves):
        angle = 2 * torch.pi * k / p * t
        W_E[:-1] += along_cos * angle.cos()[:, None] * directions[2 * i]
        W_E[:-1] += along_sin * angle.sin()[:, None] * directions[2 * i + 1]
    return W_E


@pytest.mark.parametrize(("p", "k", "sine"), [(13, 6, 3.0), (59, 4, -3.0)])
def test_a_perfect_circle(p, k, sine):
    numbers = number_embeddings(planted(p, [(k, 3.0, sine)]))
    for plane, frequency in ((key_plane(numbers, k), k), (principal_plane(numbers), None)):
        found = circle(numbers, plane, frequency)
        assert found.frequency == k
        assert found.radius_cv == pytest.approx(0, abs=1e-10)
        for value in (found.angle_r_squared, found.fve):
            assert value == pytest.approx(1, abs=1e-10)


def test_an_ellipse():
    numbers = number_embeddings(planted(59, [(7, 2.0, 1.0)]))
    found = circle(numbers, key_plane(numbers, 7), 7)
    t = 2 * torch.pi * torch.arange(59, dtype=torch.float64) / 59
    radius = (4 * t.cos() ** 2 + t.sin() ** 2).sqrt()
    expected = float(radius.std(correction=0) / radius.mean())
    assert found.radius_cv == pytest.approx(expected, abs=1e-10)
    assert 0.8 < found.angle_r_squared < 0.99


def test_leading_components_that_mix_two_frequencies():
    numbers = number_embeddings(planted(59, [(7, 2.0, 1.0), (20, 1.5, 0.5)]))
    raw = circle(numbers, principal_plane(numbers))
    assert raw.angle_r_squared < 0.6
    assert raw.fve == pytest.approx(6.25 / 7.5, abs=1e-10)
    values = [row["value"] for row in embedding_rows(numbers, [])[1] if "singular" in row["kind"]]
    lengths = [value * (2 / 59) ** 0.5 for value in values[:4]]
    assert lengths == pytest.approx([2, 1.5, 1, 0.5], abs=1e-10)


def test_a_plane_that_a_frequency_chose_is_half_a_circle_by_itself():
    assert random_circle(113, 128, "key") == pytest.approx(0.55, abs=0.02)
    assert random_circle(113, 128, "raw") < 0.2


def test_embeddings_without_extent():
    numbers = number_embeddings(planted(13, [(2, 1.0, 1.0)]))
    found = circle(numbers, random_orthonormal(D_MODEL, 0)[4:6].T, 3)
    assert found.frequency == 3
    assert str((found.radius_cv, found.angle_r_squared, found.fve)) == "(nan, nan, nan)"
    same = number_embeddings(torch.ones(14, D_MODEL))
    assert str(circle(same, principal_plane(same)).fve) == "nan"


def test_planes_are_those_of_every_finite_checkpoint_and_without_keys_there_are_none(tmp_path):
    embeddings = {step: normal(12, 8, seed=step) for step in (0, 5)}
    written = embeddings | {9: torch.full((12, 8), torch.nan)}
    weights = {(0, step): {"embed.W_E": W_E} for step, W_E in written.items()}
    run = Run(write_checkpoints(tmp_path, addition_settings(p=11), weights))
    planes = embedding_planes(run, 0, [2, 4])
    assert len(planes) == 2 * 2 * 11
    for step, W_E in embeddings.items():
        numbers = number_embeddings(W_E)
        expected = circle(numbers, key_plane(numbers, 4), 4)
        own = planes[(planes["step"] == step) & (planes["frequency"] == 4)]
        assert own["number"].tolist() == list(range(11))
        found = torch.tensor(own[["x", "y"]].to_numpy())
        torch.testing.assert_close(found.double(), expected.coordinates, atol=1e-6, rtol=1e-5)
    without_keys = embedding_planes(run, 0, [])
    assert without_keys.empty
    assert list(without_keys.columns) == PLANES

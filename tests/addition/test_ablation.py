"""Ablations on networks whose frequencies are known: planted, built by hand, random, memorised."""

import math

import pytest
import torch
from clock_network import clock_network, memorised_logits

from mechanics.addition.ablation import (
    equal_amplitudes,
    fitted_amplitudes,
    formula_answers,
    judge,
    kept_amplitudes,
    neuron_contributions,
    random_sets,
    rebuilt_logits,
    split_mlp,
    with_first_neurons,
    without_frequencies_in_neurons,
    without_neurons,
)
from mechanics.addition.activations import addition_activations, neuron_logits
from mechanics.addition.fourier import along_sum, frequencies, key_frequencies, sum_spectrum
from mechanics.addition.identities import clock_and_pizza_fve, logit_identities
from mechanics.addition.neurons import neuron_frequencies
from mechanics.addition.pairs import all_pairs, targets, training_mask
from mechanics.addition.phases import sum_waves
from mechanics.addition.progress_measures import excluded_logits, restricted_logits

KEYS = {13: {2: 5.0, 6: 3.0}, 59: {4: 8.0, 11: 6.0, 29: 7.0}}


def random_tensor(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def planted(p: int, amplitudes: dict[int, float]) -> torch.Tensor:
    """Logits Σ_k α_k cos ω_k (a + b − c)."""
    d = (targets(all_pairs(p), p)[:, None] - torch.arange(p)).double()
    return sum(a * (2 * math.pi / p * k * d).cos() for k, a in amplitudes.items())


def loss(logits: torch.Tensor) -> float:
    return judge(logits).over_all()["loss"]


def same(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=1e-10, rtol=0)


@pytest.fixture(scope="module", params=[13, 59])
def p(request) -> int:
    return request.param


@pytest.fixture(scope="module")
def clock():
    """A clock of three frequencies over Z_13: activations, W_L, keys."""
    parameters, network = clock_network(13, [1, 3, 6])
    found = addition_activations(parameters, network)
    own = (found.logits, found.hook_post[-1], neuron_logits(parameters, network))
    return own, [1, 3, 6]


def test_judge_counts_by_hand():
    logits = torch.zeros(9, 3, dtype=torch.float64)
    logits[0, 0] = math.log(2.0)  # (0, 0): 0, right, probability 1/2
    logits[1, 2] = math.log(2.0)  # (0, 1): 1, answered 2, probability 1/4
    answers = judge(logits)
    two = torch.arange(9) < 2
    assert answers.over(two) == pytest.approx({"loss": 1.5 * math.log(2), "accuracy": 0.5})
    assert answers.over_all()["min_margin"] == pytest.approx(-math.log(2))
    assert answers.over_all()["accuracy"] == pytest.approx(1 / 9)  # a tie is no answer
    assert math.isnan(answers.over(~two & two)["loss"])


def test_logits_that_are_not_numbers_have_no_accuracy():
    answers = judge(torch.full((9, 3), torch.nan, dtype=torch.float64)).over_all()
    assert all(math.isnan(value) for value in answers.values())


def test_projection_is_the_one_on_the_written_out_directions(p):
    logits, chosen = random_tensor(p * p, p), [1, (p - 1) // 2]
    expected = torch.zeros_like(logits)
    for k in chosen:
        angle = 2 * math.pi / p * k * all_pairs(p).sum(dim=1).double()
        for direction in (angle.cos(), angle.sin()):
            unit = direction / direction.norm()
            expected += unit[:, None] * (unit @ logits)
    same(along_sum(logits, chosen, p), expected)


def test_planted_keys_are_necessary_and_sufficient(p):
    """All frequencies, the last included: a planted one is all that its ablation takes away."""
    logits = planted(p, KEYS[p])
    for k in frequencies(p):
        left = {key: a for key, a in KEYS[p].items() if key != k}
        same(excluded_logits(logits, [k]), planted(p, left))
    same(restricted_logits(logits, list(KEYS[p])), logits)
    assert loss(excluded_logits(logits, list(KEYS[p]))) == pytest.approx(math.log(p), abs=1e-10)
    others = [k for k in frequencies(p) if k not in KEYS[p]]
    same(excluded_logits(logits, others), logits)


def test_what_is_kept_and_what_is_removed_are_the_logits_and_their_mean(p):
    logits, chosen = random_tensor(p * p, p), [2, 3]
    parts = restricted_logits(logits, chosen) + excluded_logits(logits, chosen)
    same(parts - logits, logits.mean(dim=0).expand_as(logits))


def test_no_frequency_matters_to_random_logits():
    """A frequency holds some 2/p² of logits without structure, so the loss hardly moves."""
    logits = random_tensor(59 * 59, 59)
    full = judge(logits).over_all()
    for k in frequencies(59):
        without = judge(excluded_logits(logits, [k])).over_all()
        assert without["loss"] == pytest.approx(full["loss"], rel=0.01)
        assert without["accuracy"] == pytest.approx(full["accuracy"], abs=0.01)


def test_no_frequency_matters_more_than_another_to_memorised_logits():
    """The trained answers stand out by m, which gives every frequency the same α = 2 · 0.3 m/p.

    Averaged over the pairs of the same sum they stand out by 0.3 m for the validation pairs, too:
    all frequencies together answer what the network does not know, and three do in part.
    """
    mask = training_mask(59, 0.3, 0)
    logits = memorised_logits(59, mask, seed=0)
    assert key_frequencies(sum_spectrum(logits)) == []
    amplitudes = fitted_amplitudes(logits)
    assert float(amplitudes.mean()) == pytest.approx(2 * 0.3 * 20 / 59, rel=0.01)
    without = [loss(excluded_logits(logits, [k])) for k in frequencies(59)]
    assert max(without) / min(without) < 1.02
    everything = judge(restricted_logits(logits, list(frequencies(59)))).over(~mask)
    assert everything["accuracy"] == 1
    assert judge(logits).over(~mask)["accuracy"] < 0.05
    three = judge(restricted_logits(logits, [3, 8, 21])).over(~mask)
    assert three["accuracy"] > 0.3 and three["loss"] > 2


def test_clock_needs_its_keys_and_nothing_else(clock):
    (logits, hook_post, W_L), keys = clock
    written = hook_post @ W_L
    assert judge(logits).over_all()["accuracy"] == 1
    assert loss(restricted_logits(logits, keys)) < 1e-3
    ablations = (excluded_logits, lambda L, k: without_frequencies_in_neurons(L, written, k))
    for without in ablations:
        for k in frequencies(13):
            if k in keys:
                assert loss(without(logits, [k])) > 100 * loss(logits)
            else:
                same(without(logits, [k]), logits)
        assert judge(without(logits, keys)).over_all()["accuracy"] < 0.7


def test_ablation_in_neurons_is_the_one_carried_out_on_them(clock):
    (logits, hook_post, W_L), _ = clock
    changed = hook_post - along_sum(hook_post, [3], 13)
    same(changed.mean(dim=0), hook_post.mean(dim=0))
    expected = logits + (changed - hook_post) @ W_L
    same(without_frequencies_in_neurons(logits, hook_post @ W_L, [3]), expected)


def test_cluster_of_a_key_carries_it(clock):
    (logits, hook_post, _), keys = clock
    frequency = neuron_frequencies(hook_post, 13).frequency
    for k in frequencies(13):
        without = without_neurons(*clock[0], frequency == k)
        if k in keys:
            assert sum_spectrum(without)[k - 1] < 1e-20
            assert loss(without) > 100 * loss(logits)
        else:
            same(without, logits)


def test_clock_is_its_directions_and_not_their_null_space(clock):
    (logits, hook_post, W_L), keys = clock
    centred = logits - logits.mean(dim=1, keepdim=True)
    same(rebuilt_logits(hook_post, W_L, keys), centred)  # no direct path, W_L all on the keys
    inside, outside = split_mlp(*clock[0], keys)
    same(inside, logits)
    assert loss(outside) == pytest.approx(math.log(13), abs=1e-10)
    assert loss(rebuilt_logits(hook_post, W_L, [2])) == pytest.approx(math.log(13), abs=1e-10)


def test_first_neurons_of_an_order_are_kept_and_the_others_at_their_mean():
    logits, hook_post, W_L = random_tensor(25, 5), random_tensor(25, 4), random_tensor(4, 5)
    order = torch.tensor([2, 0, 3, 1])
    found = list(with_first_neurons(logits, hook_post, W_L, order, [0, 1, 4]))
    everyone = torch.ones(4, dtype=torch.bool)
    same(found[0], without_neurons(logits, hook_post, W_L, everyone))
    same(found[1], without_neurons(logits, hook_post, W_L, torch.arange(4) != 2))
    same(found[2], logits)


def test_contribution_is_the_variance_a_neuron_gives():
    hook_post, W_L = random_tensor(25, 4), random_tensor(4, 5)
    own = hook_post[:, :1] * W_L[:1]
    own = own - own.mean(dim=1, keepdim=True)
    expected = (own - own.mean(dim=0)).square().sum() / 25
    assert float(neuron_contributions(hook_post, W_L)[0]) == pytest.approx(float(expected))


def test_fitted_amplitudes_are_the_planted_ones(p):
    noise = random_tensor(p * p, p)
    logits = planted(p, KEYS[p])
    expected = torch.tensor([KEYS[p].get(k, 0.0) for k in frequencies(p)], dtype=torch.float64)
    same(fitted_amplitudes(logits + 3.0), expected)
    both = fitted_amplitudes(logits + noise)
    same(both, expected + fitted_amplitudes(noise))
    total = logits + noise - (logits + noise).mean(dim=1, keepdim=True)
    same(both.square() * p**3 / 2 / total.square().sum(), sum_spectrum(logits + noise))


def test_formula_answers_as_its_logits_do(p):
    amplitudes = kept_amplitudes(fitted_amplitudes(planted(p, KEYS[p])), list(KEYS[p]))
    expected = judge(planted(p, KEYS[p])).over_all()
    assert formula_answers(amplitudes, p).over_all() == pytest.approx(expected, abs=1e-10)


def test_one_frequency_suffices_with_a_tiny_margin(p):
    """The margin of one is α (1 − cos(2π/p)), whichever it is."""
    found = formula_answers(equal_amplitudes(p, [[k] for k in frequencies(p)], 2.0), p)
    same(found.margin, torch.full_like(found.margin, 2 * (1 - math.cos(2 * math.pi / p))))
    nothing = formula_answers(torch.zeros((p - 1) // 2, dtype=torch.float64), p).over_all()
    assert nothing["accuracy"] == 0
    assert nothing["loss"] == pytest.approx(math.log(p))


def test_all_frequencies_together_are_a_one_hot_answer(p):
    """Σ_k cos ω_k d is (p − 1)/2 at d = 0 and −1/2 at every other d."""
    n = (p - 1) // 2
    found = formula_answers(torch.ones(n, dtype=torch.float64), p).over_all()
    assert found["min_margin"] == pytest.approx(n + 0.5)


def test_the_last_frequency_of_an_even_p_has_one_wave():
    """The exponents of a multiplication have an even p."""
    amplitudes = {2: 5.0, 5: 2.0, 6: 3.0}
    logits, power = planted(12, amplitudes), torch.tensor([25 / 2, 4 / 2, 9]).double()
    same(fitted_amplitudes(logits), torch.tensor([0, 5, 0, 0, 2, 3]).double())
    same(sum_spectrum(logits)[[1, 4, 5]], power / power.sum())
    same(restricted_logits(logits, [6]), planted(12, {6: 3.0}))
    same(excluded_logits(logits, [6, 5]), planted(12, {2: 5.0}))
    expected = judge(logits).over_all()
    found = formula_answers(fitted_amplitudes(logits), 12).over_all()
    assert found == pytest.approx(expected, abs=1e-10)
    assert [i.alpha for i in logit_identities(logits, [2, 6])] == pytest.approx([5, 3])
    assert [sum_waves(logits, k)[0] for k in (2, 6)] == pytest.approx([5, 3])
    assert clock_and_pizza_fve(planted(12, {6: 3.0}), 6)[0] == pytest.approx(1)


def test_equal_amplitudes_share_their_total():
    found = equal_amplitudes(13, [[1, 6], [2, 3]], 3.0)
    assert found.tolist() == [[1.5, 0, 0, 0, 0, 1.5], [0, 1.5, 1.5, 0, 0, 0]]


def test_random_sets_are_seeded_and_of_the_candidates():
    sets, again = (
        random_sets([1, 4, 5, 6], 2, 20, torch.Generator().manual_seed(1)) for _ in range(2)
    )
    assert sets == again
    assert {k for chosen in sets for k in chosen} == {1, 4, 5, 6}
    assert all(len(set(chosen)) == 2 for chosen in sets)
    assert random_sets([1, 4], 3, 20, torch.Generator()) == []  # more than there are

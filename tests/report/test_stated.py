"""The settings that the report states, from the config."""

from mechanics.report.stated import stated_settings

REGRESSION = {
    "d": 3,
    "k_min": 2,
    "k_max": 8,
    "tabulated_at": [8],
    "defaults": {"d_max": 6, "seeds": [0, 1]},
    "models": {"linear_L1_subspace": {"seeds": [0]}},
}


def test_models_inherit_and_what_the_config_lacks_is_left_out():
    assert stated_settings({"linear_regression": REGRESSION, "modular_addition": None}) == {
        "tracks": ["linear_regression"],
        "d": 3,
        "k_min": 2,
        "k_max": 8,
        "k_middle": 8,  # of a shorter list the last
        "subspace_d": 6,
    }

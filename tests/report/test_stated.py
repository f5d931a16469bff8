"""The settings that the report states, from the config."""

from mechanics.report.stated import stated_settings


def test_models_inherit_and_what_the_config_lacks_is_left_out():
    lengths = {"d": 3, "k_min": 2, "k_max": 8}
    section = lengths | {"tabulated_at": [8], "models": {"linear_L1_subspace": {"seeds": [0]}}}
    section["defaults"] = {"d_max": 6, "seeds": [0, 1]}
    stated = stated_settings({"linear_regression": section, "modular_addition": None})
    assert stated.pop("tracks") == ["linear_regression"]
    assert stated == lengths | {"k_middle": 8, "subspace_d": 6}  # of a shorter list the last

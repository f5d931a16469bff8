"""The slice of the config that claims depend on."""

from mechanics.report.declared import setting_paths, study_slice

SPECIFICATION = {
    "tables": {"risk": "linear_regression"},
    "claims": {
        "d": {"setting": "linear_regression.d"},
        "steps": {"setting": "linear_regression.models.deep.5.steps"},
        "p": {"setting": "modular_addition.p"},
        "r": {"table": "risk", "where": {"k": {"setting": "linear_regression.at.1"}}},
        "far": {"table": "risk", "where": {"k": {"setting": "linear_regression.at.7"}}},
    },
}
CONFIG = {
    "linear_regression": {
        "d": 3,
        "at": [5, 8],
        "defaults": {"steps": 10, "seeds": [0, 1]},
        "models": {"deep.5": {"seeds": [0]}, "left_out": None},
    }
}


def test_paths_are_found_in_claims_and_in_their_rows():
    assert setting_paths(SPECIFICATION["claims"])[0] == "linear_regression.at.1"


def test_what_the_config_lacks_is_left_out_and_models_inherit():
    own = study_slice(CONFIG, SPECIFICATION, made={"risk"})
    assert own["settings"] == {
        "linear_regression.at.1": 8,
        "linear_regression.at.7": 8,  # of a shorter list the last
        "linear_regression.d": 3,
        "linear_regression.models.deep.5.steps": 10,
    }
    assert own["seeds"] == {"linear_regression": {"deep.5": 1}}
    assert own["tasks"] == {"risk": "linear_regression"}


def test_tables_that_no_network_of_the_study_is_fit_for_have_no_task():
    assert study_slice(CONFIG, SPECIFICATION, made=set())["tasks"] == {}

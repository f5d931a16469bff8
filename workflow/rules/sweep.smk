# A sweep: many runs, one table and one figure, no analysis of every run.


def sweep_results():
    """What is made where the config has a sweep, in place of a study."""
    return [addition_table("grokking"), *figures(*registry.OF_A_SWEEP)]

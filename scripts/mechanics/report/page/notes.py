"""What a reader must know of the seeds: those that diverged, or had not grokked at the end."""


def regression_notes(explorer: dict) -> list[str]:
    """One sentence for every network with diverged seeds."""
    return [
        f"{network['label']}: {_seeds(network['diverged'])} diverged and"
        f" {'are' if len(network['diverged']) > 1 else 'is'} left out of its lines"
        + ("." if network["seeds"] else ", which leaves none.")
        for network in explorer["networks"]
        if network["diverged"]
    ]


def addition_notes(explorer: dict) -> list[str]:
    """One sentence for every network with seeds that did not grok, or diverged."""
    notes = []
    for network in explorer["networks"]:
        for status, words in (
            ("censored", "had not grokked when its budget ended"),
            ("stalled", "no longer moved, though it had not grokked"),
            ("diverged", "diverged"),
        ):
            seeds = [own["seed"] for own in network["seeds"] if own["status"] == status]
            if seeds:
                notes.append(f"{network['label']}: {_seeds(seeds)} {words}.")
    return notes


def _seeds(seeds: list[int]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"

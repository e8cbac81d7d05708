"""What code asks of Flyte while it runs: context, decks, checkpoints, errors, main blocks."""

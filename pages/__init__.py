"""The pages that are made: ``python -m pages`` writes them, the tests say when one is stale."""

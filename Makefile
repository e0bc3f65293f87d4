# Everything a newcomer needs: `make demo` and `make test` set up what they need.
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint bench campaign conformance docs clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: ## make .venv with pinned requirements
	@scripts/setup dev

demo: ## a real crash through a venue, with every unit accounted for
	@scripts/setup base
	@.venv/bin/seawall demo

test: setup ## lint, types, floors and the whole suite
	@scripts/test

lint: setup ## lint, types and floors only
	@scripts/lint

bench: setup ## benchmarks, side by side in one run
	@scripts/bench

campaign: setup ## long property campaigns
	@scripts/campaign

conformance: setup ## hold the rules against the open vectors beside the checkout
	@.venv/bin/python -m conformance ../shared/vectors

docs: setup ## write the pages, pictures and outputs that are made
	@scripts/pages

clean: ## remove what was made here
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks

# `make serve` and `make test` do all the set-up that a fresh machine needs. The scripts do the work.
.PHONY: serve test build lint bench pages mutants
.DEFAULT_GOAL := serve

serve: ## build a release and run it at http://localhost:3000
	@scripts/serve $(ARGS)

test: ## set up and run every test
	@scripts/test

build: ## build target/release/vestibule
	@scripts/build

lint: ## formatting and lints
	@scripts/lint

bench: ## speed and memory of the release build
	@scripts/bench

pages: ## speed and size of the release's pages in a browser
	@scripts/pages

mutants: ## changes of the rules that no test notices; takes about an hour
	@scripts/mutants $(ARGS)

# `make serve` and `make test` set up a fresh machine first.
.PHONY: serve test build check lint watch bench pages mutants figures
.DEFAULT_GOAL := serve

serve: ## build a release and run it at http://localhost:3000
	@scripts/serve $(ARGS)

test: ## set up and run every test
	@scripts/test

build: ## build target/release/vestibule
	@scripts/build

check: ## format, lints and unit tests of the crates that changed
	@scripts/check $(ARGS)

lint: ## formatting and lints
	@scripts/lint

watch: ## a development server with pages that reload (cargo leptos watch)
	@scripts/watch $(ARGS)

bench: ## speed and memory of the release build
	@scripts/bench

pages: ## speed and size of the release's pages in a browser
	@scripts/pages

mutants: ## mutation tests of the crates of pure rules; takes about an hour
	@scripts/mutants $(ARGS)

figures: ## lines, functions, packages and sizes, as Markdown
	@scripts/figures

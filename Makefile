.DEFAULT_GOAL := help
.PHONY: help setup build demo test lint fmt sqlx bench bench-jobs clean-db

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

setup: ## Install PostgreSQL and a C compiler if they are missing
	@scripts/setup

build: setup ## Build the release binary, target/release/onward
	cargo build --release --package onward-cli

demo: setup ## Build and show a workflow surviving a kill
	cargo build --release --package onward-cli --package onward-standin --package onward-testkit --bins
	scripts/demo

test: setup ## Run all tests against a real Postgres
	scripts/test

lint: setup ## Check format, clippy, the crates' arrows and the SQL
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	scripts/tidy
	scripts/prepare-queries --check

fmt: ## Format the code
	cargo fmt --all

sqlx: setup ## Write .sqlx after a change of queries or migrations
	scripts/prepare-queries

bench: setup ## Measure throughput and latency
	cargo build --release --package onward-cli --package onward-bench
	$${CARGO_TARGET_DIR:-target}/release/onward-bench

bench-jobs: setup ## Measure tasks on fang's own queue and on Onward, side by side
	cargo bench --package onward-jobs --bench beside_fang

clean-db: ## Throw away the private databases of this checkout and of its tests
	scripts/clean-databases

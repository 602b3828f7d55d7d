# What can be done here; `make` alone lists it. The work is in scripts/, which install what is missing.

.DEFAULT_GOAL := help
.PHONY: help run build cli runner dev-full test check bench torture tour screenshots icons install uninstall clean \
    sandbox-build-basic sandbox-build-full sandbox-test sandbox-clean

PREFIX ?= $(HOME)/.local
target := $(or $(CARGO_TARGET_DIR),target)

# The command reaches the script as it was typed: `value` keeps make from expanding `$` in it, and what is not
# exported is not expanded on the way into the environment either.
unexport CMD
run: export STIGMER_COMMAND = $(value CMD)

help: ## List these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(firstword $(MAKEFILE_LIST)) | expand -t 22

run: ## Build and open the app; or run a command: make run CMD='python3 --version'
	@scripts/run.sh

build: ## Build the app, the command line and the runner, optimised
	@scripts/build.sh

cli: ## Build the command line and the runner alone: they need no display
	@scripts/build.sh command-line

runner: ## Build the static runner alone
	@scripts/build.sh runner

dev-full: cli sandbox-build-basic ## Build the command line, and the image that its sandboxes start from

test: ## Format, lints, every test, and that the documents are current
	@scripts/test.sh

check: ## Format and lints alone
	@scripts/check.sh

bench: ## Measure
	@scripts/bench.sh

torture: ## The tests that repeat themselves, many more times
	@STIGMER_TORTURE=$${STIGMER_TORTURE:-200} scripts/test.sh

tour: ## Renew the tour in README.md from what the program prints
	@scripts/tour.sh --write

screenshots: ## Take pictures of every screen into target/screenshots
	@cargo build --locked -p stigmer-runner -p stigmer
	@scripts/ui.sh build
	@scripts/ui.sh screenshots

icons: ## Render icons/*.png from icons/icon.svg
	@scripts/icons.sh

# Options of `docker build`, such as: make sandbox-build-full SANDBOX='--build-arg TOOLS_FROM=skip-unavailable'
SANDBOX ?=

sandbox-build-basic: ## Build the basic image: Python, Node.js, git, build tools; SANDBOX= takes options of docker build
	@scripts/sandbox.sh build basic $(SANDBOX)

sandbox-build-full: ## Build the full image on it: the command lines of clouds and clusters
	@scripts/sandbox.sh build full $(SANDBOX)

sandbox-test: ## Ask every tool of the images for its version, and try what runs rely on
	@scripts/sandbox.sh test

sandbox-clean: ## Remove the images and containers that these targets made
	@scripts/sandbox.sh clean

install: build ## Install below PREFIX (~/.local): bin/stigmer-desktop, bin/stigmer, lib/stigmer/stigmer-runner
	install -D -m 755 $(target)/release/stigmer-desktop $(DESTDIR)$(PREFIX)/bin/stigmer-desktop
	install -D -m 755 $(target)/release/stigmer $(DESTDIR)$(PREFIX)/bin/stigmer
	install -D -m 755 $(target)/release/stigmer-runner $(DESTDIR)$(PREFIX)/lib/stigmer/stigmer-runner

uninstall: ## Remove what `install` put there; runs and settings stay
	rm -f $(DESTDIR)$(PREFIX)/bin/stigmer-desktop $(DESTDIR)$(PREFIX)/bin/stigmer $(DESTDIR)$(PREFIX)/lib/stigmer/stigmer-runner

clean: ## Remove what was built
	cargo clean

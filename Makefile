# The project's few targets. Each installs what is missing first (scripts/bootstrap
# says what and why) and starts at once when nothing is.

PREFIX ?= /usr/local
DESTDIR ?=
CARGO ?= cargo

detente = target/release/detente

.PHONY: help demo demo-prepare test check bench install build

help:
	@echo "make demo     build three Debian guests, boot each on both sides' hardware, print the verdicts"
	@echo "make demo-prepare  the same, then make the one-sided ones run on both, and take that back"
	@echo "make test     build, unit, hostile, images and boot tests, with a table of times (STRICT=1 fails over budget)"
	@echo "make check    format, lints, tidy, tests, documentation, licences"
	@echo "make bench    the measurements of docs/benchmarks.md"
	@echo "make install  the program, its manual pages and completions under PREFIX ($(PREFIX))"

build:
	$(CARGO) build --release --locked --package detente-cli

demo:
	@scripts/bootstrap build images boot
	$(CARGO) build --release --locked --package detente-cli
	$(CARGO) xtask images debian12 debian12-kvm-only debian12-hyperv-only lab-kernel
	$(CARGO) xtask demo

demo-prepare:
	@scripts/bootstrap build images boot
	$(CARGO) build --release --locked --package detente-cli
	$(CARGO) xtask images debian12 debian12-kvm-only debian12-hyperv-only lab-kernel
	$(CARGO) xtask demo --extended

test:
	@scripts/bootstrap build images boot test
	$(CARGO) xtask test $(if $(STRICT),--strict)

check:
	@scripts/bootstrap build test
	$(CARGO) xtask check

bench:
	@scripts/bootstrap build images boot bench
	$(CARGO) xtask bench

install: build
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions \
		$(DESTDIR)$(PREFIX)/share/zsh/site-functions \
		$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	install -m 755 $(detente) $(DESTDIR)$(PREFIX)/bin/detente
	$(detente) man $(DESTDIR)$(PREFIX)/share/man/man1
	$(detente) completions bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/detente
	$(detente) completions zsh > $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_detente
	$(detente) completions fish > $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/detente.fish

# Cargo knows what has changed.
ATTRIBUTION_TARGET = $(shell echo "$${CARGO_TARGET_DIR:-$(top_builddir)/target}")
.PHONY: modules/attribution.so
modules/attribution.so:
	cd $(top_srcdir) && PHP=$(PHP_EXECUTABLE) PHP_CONFIG=$$(command -v $(PHP_CONFIG)) CARGO_TARGET_DIR=$(ATTRIBUTION_TARGET) \
		$(CARGO) build --release --locked -p attribution-php
	mkdir -p modules
	cp $(ATTRIBUTION_TARGET)/release/libattribution_php.so $@

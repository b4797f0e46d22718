# Cargo knows what has changed.
.PHONY: modules/attribution.so
modules/attribution.so:
	cd $(top_srcdir) && PHP=$(PHP_EXECUTABLE) PHP_CONFIG=$(PHP_CONFIG) CARGO_TARGET_DIR=$(top_builddir)/target \
		$(CARGO) build --release --locked -p attribution-php
	mkdir -p modules
	cp $(top_builddir)/target/release/libattribution_php.so $@

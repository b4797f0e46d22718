dnl phpize && ./configure && make && make install, as PIE and pecl do it: cargo builds the library.
PHP_ARG_ENABLE([attribution],
  [whether to enable the attribution engine],
  [AS_HELP_STRING([--enable-attribution], [Enable the attribution engine])],
  [yes])

if test "$PHP_ATTRIBUTION" != "no"; then
  AC_PATH_PROG([CARGO], [cargo], [no])
  if test "$CARGO" = "no"; then
    AC_MSG_ERROR([cargo is needed to build the attribution engine: https://rustup.rs])
  fi
  PHP_SUBST([CARGO])
  PHP_SUBST([PHP_CONFIG])
  PHP_MODULES="$PHP_MODULES modules/attribution.so"
  PHP_SUBST([PHP_MODULES])
  PHP_ADD_MAKEFILE_FRAGMENT([Makefile.frag])
fi

--TEST--
attribution_version() gives the version of the engine
--EXTENSIONS--
attribution
--FILE--
<?php
var_dump(preg_match('/^\d+\.\d+\.\d+$/', attribution_version()));
var_dump(attribution_version() === phpversion('attribution'));
try {
    attribution_version(1);
} catch (ArgumentCountError $error) {
    echo $error->getMessage(), "\n";
}
?>
--EXPECT--
int(1)
bool(true)
attribution_version() expects exactly 0 arguments, 1 given

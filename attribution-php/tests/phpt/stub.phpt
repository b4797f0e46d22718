--TEST--
The stub is as the extension is, and every symbol has a comment
--EXTENSIONS--
attribution
--FILE--
<?php
require __DIR__ . '/../../stubs.php';
?>
--EXPECT--
attribution.stub.php is as the extension is

--TEST--
The page of php --ri tells version, features, threads and settings
--EXTENSIONS--
attribution
--INI--
attribution.threads=3
attribution.memory_limit=64M
attribution.wait=5
--FILE--
<?php
(new ReflectionExtension('attribution'))->info();
?>
--EXPECTF--
attribution

Attribution => enabled
Version => %d.%d.%d
Features => %s
Threads of a call => 3
Native memory in use => %d KiB
Caches of snapshots => 0, 0 entries, 0 KiB
Cached reads => 0, 0 from memory, 0 from servers

Directive => Local Value => Master Value
attribution.threads => 3 => 3
attribution.memory_limit => 64M => 64M
attribution.wait => 5 => 5

#!/usr/bin/env php
<?php

declare(strict_types=1);

use Prosper202\AttributionNative\Console\ExportCommand;

require __DIR__ . '/../src/autoload.php';

exit((new ExportCommand())->run(array_slice($argv, 1), getenv(), STDOUT, STDERR));

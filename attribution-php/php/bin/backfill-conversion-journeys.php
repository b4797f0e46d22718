#!/usr/bin/env php
<?php

declare(strict_types=1);

use Prosper202\AttributionNative\Console\BackfillCommand;

require __DIR__ . '/../src/autoload.php';

exit((new BackfillCommand())->run(array_slice($argv, 1), getenv(), STDOUT, STDERR));

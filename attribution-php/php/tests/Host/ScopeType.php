<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Tests\Host;

enum ScopeType: string
{
    case GLOBAL = 'global';
    case CAMPAIGN = 'campaign';
    case ADVERTISER = 'advertiser';
}

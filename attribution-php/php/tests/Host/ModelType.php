<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Tests\Host;

enum ModelType: string
{
    case LAST_TOUCH = 'last_touch';
    case FIRST_TOUCH = 'first_touch';
    case LINEAR = 'linear';
    case TIME_DECAY = 'time_decay';
    case POSITION_BASED = 'position_based';
    case ASSISTED = 'assisted';
    case ALGORITHMIC = 'algorithmic';
}

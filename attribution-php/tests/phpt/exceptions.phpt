--TEST--
The exceptions: their classes, codes and fields
--EXTENSIONS--
attribution
--INI--
attribution.memory_limit=1M
--FILE--
<?php
require __DIR__ . '/common.inc';
foreach (['InvalidModel', 'InvalidInput', 'Limit', 'Io', 'Database', 'Locked', 'Cancelled', 'Internal'] as $name) {
    $class = new ReflectionClass("Attribution\\{$name}Exception");
    echo $class->getShortName(), ' ', $class->getParentClass()->getName(), ' ', json_encode($class->implementsInterface(Attribution\Exception::class));
    foreach (['errorCode', 'field'] as $property) {
        $property = $class->getProperty($property);
        echo ' ', implode(' ', Reflection::getModifierNames($property->getModifiers())), ' ', $property->getType(), ' $', $property->getName();
    }
    echo "\n";
}
$marker = new ReflectionClass(Attribution\Exception::class);
var_dump($marker->isInterface(), $marker->implementsInterface(Throwable::class));
foreach ([
    static fn () => attribution_validate_model(['type' => 'x']),
    static fn () => attribution_calculate(['type' => 'linear'], ['x']),
    static fn () => attribution_calculate(['type' => 'linear'], [conversion(['payout' => '92233720368547.75807']), conversion(['payout' => '0.00001'])]),
    static fn () => attribution_calculate_columns([['type' => 'linear']], ['conversion_ids' => array_fill(0, 200000, 1)] + columns()),
    static fn () => attribution_export([], __DIR__ . '/no/such/folder', 'csv'),
    static fn () => attribution_check('mysql://user@127.0.0.1:1/database'),
] as $call) {
    try {
        $call();
        echo "no exception\n";
    } catch (Attribution\Exception $exception) {
        echo $exception::class, ' ', $exception->getCode(), ' ', $exception->errorCode, ' ', $exception->field ?? 'null';
        echo ' ', basename($exception->getFile()), ':', $exception->getLine(), ' ', json_encode($exception->getPrevious()), "\n";
    }
}
echo "they are readonly, and of PHP's own\n";
told(static function () use ($exception): void {
    $exception->errorCode = 'other';
});
told(static function () use ($exception): void {
    $exception->field = 'other';
});
echo $exception->getTrace()[0]['function'], "\n";
echo strtok((string) $exception, ':'), "\n";
try {
    try {
        attribution_validate_model([]);
    } finally {
        echo "finally\n";
    }
} catch (InvalidArgumentException $exception) {
    echo $exception->field, "\n";
}
?>
--EXPECT--
InvalidModelException InvalidArgumentException true public readonly string $errorCode public readonly ?string $field
InvalidInputException InvalidArgumentException true public readonly string $errorCode public readonly ?string $field
LimitException OverflowException true public readonly string $errorCode public readonly ?string $field
IoException RuntimeException true public readonly string $errorCode public readonly ?string $field
DatabaseException RuntimeException true public readonly string $errorCode public readonly ?string $field
LockedException RuntimeException true public readonly string $errorCode public readonly ?string $field
CancelledException RuntimeException true public readonly string $errorCode public readonly ?string $field
InternalException LogicException true public readonly string $errorCode public readonly ?string $field
bool(true)
bool(true)
Attribution\InvalidModelException 1 invalid_model type exceptions.php:15 null
Attribution\InvalidInputException 2 invalid_input conversions[0] exceptions.php:16 null
Attribution\LimitException 3 limit payout of conversion 1 exceptions.php:17 null
Attribution\LimitException 3 limit conversion_ids exceptions.php:18 null
Attribution\IoException 4 io null exceptions.php:19 null
Attribution\DatabaseException 5 database null exceptions.php:20 null
they are readonly, and of PHP's own
Error Cannot modify readonly property Attribution\DatabaseException::$errorCode
Error Cannot modify readonly property Attribution\DatabaseException::$field
attribution_check
Attribution\DatabaseException
finally
type

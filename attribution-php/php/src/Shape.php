<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative;

/**
 * Reads the host's objects by the names of their properties. Their values are the engine's to check.
 *
 * @internal
 */
final class Shape
{
    /**
     * The value of a property that has to have one.
     *
     * @throws InvalidShape
     */
    public static function value(object $object, string $property, string $what): mixed
    {
        return $object->{$property} ?? throw self::missing($object, $property, $what);
    }

    /**
     * The value of a property that has to be there and may be null.
     *
     * @throws InvalidShape
     */
    public static function nullable(object $object, string $property, string $what): mixed
    {
        $value = $object->{$property} ?? null;
        // Asked from here, these are the public ones that have a value.
        if ($value === null && !array_key_exists($property, get_object_vars($object))) {
            throw self::missing($object, $property, $what);
        }

        return $value;
    }

    /**
     * @throws InvalidShape
     */
    public static function integer(object $object, string $property, string $what): int
    {
        $value = self::value($object, $property, $what);
        if (!is_int($value)) {
            throw self::wrong($object, $property, $what, $value, 'an int');
        }

        return $value;
    }

    public static function missing(object $object, string $property, string $what): InvalidShape
    {
        return new InvalidShape(sprintf(
            '%s (%s) has no value in a public property "%s"',
            $what,
            get_debug_type($object),
            $property,
        ));
    }

    public static function wrong(
        object $object,
        string $property,
        string $what,
        mixed $value,
        string $needed,
    ): InvalidShape {
        return new InvalidShape(sprintf(
            '%s (%s): the property "%s" is of the type %s, and %s is needed',
            $what,
            get_debug_type($object),
            $property,
            get_debug_type($value),
            $needed,
        ));
    }

    private function __construct()
    {
    }
}

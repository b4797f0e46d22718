<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Console;

/**
 * The options of a script, as --name=value or --name value. Where one is given twice, the last counts.
 */
final class Arguments
{
    /**
     * @param array<string, string> $values
     */
    private function __construct(private readonly array $values, public readonly bool $help)
    {
    }

    /**
     * No message repeats a value, since it may hold a password.
     *
     * @param list<string> $arguments without the script's name
     * @param list<string> $names     of the options that there are; --help always is
     *
     * @throws Usage
     */
    public static function parse(#[\SensitiveParameter] array $arguments, array $names): self
    {
        $values = [];
        $help = false;
        for ($place = 0; $place < count($arguments); $place++) {
            $argument = $arguments[$place];
            if ($argument === '--help' || $argument === '-h') {
                $help = true;
                continue;
            }
            if (preg_match('/^--([a-z][a-z-]*)(?:=(.*))?$/Ds', $argument, $found, PREG_UNMATCHED_AS_NULL) !== 1) {
                throw new Usage('argument ' . ($place + 1) . ' is not an option');
            }
            $name = (string) $found[1];
            if (!in_array($name, $names, true)) {
                throw new Usage("there is no option --$name");
            }
            $value = $found[2] ?? $arguments[++$place] ?? null;
            if ($value === null || $value === '' || ($found[2] ?? null) === null && str_starts_with($value, '--')) {
                throw new Usage("--$name needs a value");
            }
            $values[$name] = $value;
        }

        return new self($values, $help);
    }

    public function text(string $name): ?string
    {
        return $this->values[$name] ?? null;
    }

    /**
     * @throws Usage
     */
    public function number(string $name): ?int
    {
        $value = $this->text($name);
        // Up to 18 digits always fit.
        if ($value !== null && preg_match('/^[0-9]{1,18}$/D', $value) !== 1) {
            throw new Usage("--$name needs a whole number");
        }

        return $value === null ? null : (int) $value;
    }
}

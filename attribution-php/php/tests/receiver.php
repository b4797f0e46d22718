<?php

/**
 * Takes one webhook on a port of its own of 127.0.0.1: prints the port, then the request's headers and body as JSON.
 */

declare(strict_types=1);

$server = stream_socket_server('tcp://127.0.0.1:0');
if ($server === false) {
    exit(1);
}
echo substr((string) strrchr((string) stream_socket_get_name($server, false), ':'), 1), "\n";
$connection = stream_socket_accept($server, 60);
if ($connection === false) {
    exit(1);
}
$request = (string) fgets($connection);
$headers = [];
while (($line = trim((string) fgets($connection))) !== '') {
    [$name, $value] = explode(':', $line, 2);
    $headers[strtolower($name)] = trim($value);
}
$body = (string) stream_get_contents($connection, (int) ($headers['content-length'] ?? 0));
fwrite($connection, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
fclose($connection);
echo json_encode(['request' => trim($request), 'headers' => $headers, 'body' => $body], JSON_THROW_ON_ERROR), "\n";

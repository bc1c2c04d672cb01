package dev.oms.bench;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Requests whose bodies are made to cost as much as possible, as large as each endpoint accepts and larger. */
final class HostileBodies {
    /** A little less than an order may have, and than any other body may have. */
    private static final int ORDER_BYTES = 150_000;

    private static final int OTHER_BYTES = 8_000;

    /** Names with the same {@code hashCode}, each as long as an order of 100 has room for. */
    private static final int COLLIDING_CHARS = 1_400;

    private static final long NANOS_PER_TICK = 10_000_000;

    /**
     * A hostile request.
     *
     * @param bytes the whole request
     */
    record Request(String name, byte[] bytes) {}

    private HostileBodies() {}

    /** Every hostile request, for an existing user and order. */
    static List<Request> all(long user, long order) {
        List<Request> all = new ArrayList<>();
        String place = "POST /orders?user_id=" + user;
        add(all, "wrapped deeply", place, "{\"order\":".repeat(ORDER_BYTES / 9));
        add(all, "nested arrays", place, "{\"items\":" + "[".repeat(ORDER_BYTES));
        add(all, "nested in a quantity", place, "{\"items\":{\"a\":" + "[".repeat(ORDER_BYTES));
        add(all, "15,000 items", place, items(15_000, i -> "\"a%d\":0".formatted(i)));
        add(all, "100 items, all wrong", place, items(100, i -> "\"a%d\":0".formatted(i)));
        add(all, "100 items, unknown", place, items(100, i -> "\"a%d\":1".formatted(i)));
        List<String> colliding = colliding(100);
        add(all, "100 colliding names, wrong", place, items(100, i -> "\"%s\":0".formatted(colliding.get(i))));
        add(all, "100 colliding names, unknown", place, items(100, i -> "\"%s\":1".formatted(colliding.get(i))));
        add(all, "100 escaped names", place, items(100, i -> "\"%s%03d\":1".formatted("\\u4e16".repeat(252), i)));
        add(all, "a long name", place, "{\"items\":{\"" + "x".repeat(ORDER_BYTES) + "\":1}}");
        add(all, "a long escaped name", place, "{\"items\":{\"" + "\\u0000".repeat(ORDER_BYTES / 6) + "\":1}}");
        add(all, "a long number", place, "{\"items\":{\"a\":" + "9".repeat(ORDER_BYTES) + "}}");
        add(all, "a huge exponent", place, "{\"items\":{\"a\":1e999999999}}");
        add(all, "numbers of 1,000 digits", place, items(100, i -> "\"a%d\":%s".formatted(i, "9".repeat(999))));
        add(all, "unknown fields", place, many(ORDER_BYTES / 10, i -> "\"f%d\":1".formatted(i)));
        add(
                all,
                "one field again and again",
                place,
                "{" + "\"items\":null,".repeat(ORDER_BYTES / 13) + "\"items\":{}}");
        add(all, "spaces", place, " ".repeat(ORDER_BYTES));
        add(all, "UTF-32", place, items(100, i -> "\"a%d\":0".formatted(i)), Charset.forName("UTF-32"), 0);
        add(all, "in chunks of a byte", place, " ".repeat(ORDER_BYTES), StandardCharsets.UTF_8, 1);
        add(all, "1 MiB of items", place, items(111_842, i -> "\"%05x\":0".formatted(i)));
        add(
                all,
                "1 MiB of items, chunked",
                place,
                items(111_842, i -> "\"%05x\":0".formatted(i)),
                StandardCharsets.UTF_8,
                8192);
        String update = "PUT /orders/%d/update_status".formatted(order);
        add(all, "a long status", update, "{\"status\":\"" + "x".repeat(OTHER_BYTES) + "\"}");
        add(all, "a status of arrays", update, "{\"status\":" + "[".repeat(OTHER_BYTES));
        add(all, "a body for a cancellation that fails", "POST /orders/0/cancel", "[".repeat(OTHER_BYTES));
        for (String line : List.of("POST /inventory_items", "PUT /inventory_items/0")) {
            add(all, "a name ending in NUL", line, "{\"name\":\"" + "x".repeat(OTHER_BYTES - 30) + "\\u0000\"}");
            add(all, "a long reason", line, "{\"reason\":\"" + " ".repeat(OTHER_BYTES) + "\"}");
            add(all, "a long quantity", line, "{\"quantity\":" + "9".repeat(OTHER_BYTES) + "}");
            add(all, "wrapped deeply", line, "{\"inventory_item\":".repeat(OTHER_BYTES / 18));
        }
        add(all, "a long email", "POST /users", "{\"email\":\"a@" + "a.".repeat(OTHER_BYTES / 2 - 20) + "\"}");
        add(all, "many @", "POST /users", "{\"email\":\"" + "@".repeat(OTHER_BYTES) + "\"}");
        add(all, "a quoted email", "POST /users", "{\"email\":\"\\\"" + "a\\\"".repeat(OTHER_BYTES / 3 - 20) + "@a\"}");
        add(all, "a long phone", "POST /users", "{\"phone\":\"" + "0".repeat(OTHER_BYTES) + "\"}");
        return all;
    }

    private static void add(List<Request> all, String name, String line, String body) {
        add(all, name, line, body, StandardCharsets.UTF_8, 0);
    }

    private static void add(List<Request> all, String name, String line, String body, Charset charset, int chunkBytes) {
        all.add(new Request(
                line.replaceFirst("\\?.*", "") + ", " + name, bytes(line, body.getBytes(charset), chunkBytes)));
    }

    /** @param chunkBytes the size of the chunks that the body is sent in; 0 for a {@code Content-Length} */
    private static byte[] bytes(String line, byte[] body, int chunkBytes) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.writeBytes(ascii(line + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + (chunkBytes == 0 ? "Content-Length: " + body.length : "Transfer-Encoding: chunked")
                + "\r\n\r\n"));
        if (chunkBytes == 0) {
            bytes.writeBytes(body);
            return bytes.toByteArray();
        }
        for (int i = 0; i < body.length; i += chunkBytes) {
            byte[] chunk = Arrays.copyOfRange(body, i, Math.min(i + chunkBytes, body.length));
            bytes.writeBytes(ascii(Integer.toHexString(chunk.length) + "\r\n"));
            bytes.writeBytes(chunk);
            bytes.writeBytes(ascii("\r\n"));
        }
        bytes.writeBytes(ascii("0\r\n\r\n"));
        return bytes.toByteArray();
    }

    private static String items(int count, IntFunction<String> item) {
        return "{\"items\":" + many(count, item) + "}";
    }

    private static String many(int count, IntFunction<String> field) {
        return IntStream.range(0, count).mapToObj(field).collect(Collectors.joining(",", "{", "}"));
    }

    /** Different strings with the same {@code hashCode}: "Aa" and "BB" have the same. */
    private static List<String> colliding(int count) {
        String common = "Aa".repeat(COLLIDING_CHARS / 2 - 7);
        return IntStream.range(0, count)
                .mapToObj(i -> common
                        + IntStream.range(0, 7)
                                .mapToObj(bit -> (i >> bit & 1) == 0 ? "Aa" : "BB")
                                .collect(Collectors.joining()))
                .toList();
    }

    /**
     * Sends a request on a new connection.
     *
     * @throws IOException also if the response is not a 4xx
     */
    static void send(int port, Request request) throws IOException {
        try (Socket socket = new Socket("localhost", port)) {
            socket.setSoTimeout((int) Duration.ofMinutes(1).toMillis());
            socket.getOutputStream().write(request.bytes());
            InputStream in = socket.getInputStream();
            String status = new String(in.readNBytes("HTTP/1.1 4xx".length()), StandardCharsets.US_ASCII);
            if (!status.startsWith("HTTP/1.1 4")) {
                throw new IOException("Expected 4xx, got '%s' in response to %s".formatted(status, request.name()));
            }
        }
    }

    /** The CPU time of a process per request, in milliseconds, including what a connection costs. */
    static double cpuMillis(long pid, int port, Request request, int times) throws IOException {
        long before = cpuTicks(pid);
        for (int i = 0; i < times; i++) {
            send(port, request);
        }
        return (cpuTicks(pid) - before) * NANOS_PER_TICK / 1e6 / times;
    }

    /** User and system time of a process, all of its threads: proc_pid_stat(5), fields 14 and 15. */
    private static long cpuTicks(long pid) throws IOException {
        String stat = Files.readString(Path.of("/proc/%d/stat".formatted(pid)));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}

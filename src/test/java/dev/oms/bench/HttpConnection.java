package dev.oms.bench;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A minimal HTTP/1.1 client on one persistent connection. Minimal, because the load generator shares the machine with
 * the processes it measures.
 */
final class HttpConnection implements AutoCloseable {
    private static final int TIMEOUT_MILLIS = 60_000;

    private final Socket socket;
    private final InputStream in;
    private final OutputStream out;
    private final String headers;
    private byte[] buffer = new byte[16 * 1024];

    HttpConnection(int port) throws IOException {
        this(port, "");
    }

    /** @param headers sent with every request, each with its line break */
    HttpConnection(int port, String headers) throws IOException {
        this.headers = headers;
        socket = new Socket("localhost", port);
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(TIMEOUT_MILLIS);
        in = socket.getInputStream();
        out = socket.getOutputStream();
    }

    /**
     * Sends a GET request.
     *
     * @return the status line and headers of the response
     * @throws IOException also if the status is not 200
     */
    String get(String path) throws IOException {
        return exchange("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n", 200);
    }

    /**
     * Sends a POST request with a JSON body; like {@link #get}, but expects the status 201.
     *
     * @param more further headers, each with its line break
     */
    String post(String path, String json, String more) throws IOException {
        return exchange(
                "POST " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + more
                        + "Content-Type: application/json\r\nContent-Length: " + json.length() + "\r\n\r\n" + json,
                201);
    }

    private String exchange(String request, int expected) throws IOException {
        out.write(request.getBytes(StandardCharsets.US_ASCII));
        int filled = 0;
        int body = -1;
        while (body < 0) {
            filled += read(filled);
            body = endOfHead(filled);
        }
        String head = new String(buffer, 0, body, StandardCharsets.US_ASCII);
        int end = body + Integer.parseInt(header(head, "Content-Length"));
        while (filled < end) {
            filled += read(filled);
        }
        if (!head.startsWith("HTTP/1.1 " + expected + " ") || filled > end) {
            throw new IOException("Expected %d, got %s in response to %s"
                    .formatted(expected, new String(buffer, 0, filled, StandardCharsets.UTF_8), request));
        }
        return head;
    }

    private int read(int filled) throws IOException {
        if (filled == buffer.length) {
            buffer = Arrays.copyOf(buffer, 2 * filled);
        }
        int count = in.read(buffer, filled, buffer.length - filled);
        if (count < 0) {
            throw new EOFException("OMS closed the connection");
        }
        return count;
    }

    private int endOfHead(int filled) {
        for (int i = 3; i < filled; i++) {
            if (buffer[i] == '\n' && buffer[i - 1] == '\r' && buffer[i - 2] == '\n' && buffer[i - 3] == '\r') {
                return i + 1;
            }
        }
        return -1;
    }

    /** Returns the value of a header, or throws if the header is missing. */
    static String header(String head, String name) throws IOException {
        for (int start = head.indexOf('\n') + 1; start > 0; start = head.indexOf('\n', start) + 1) {
            if (head.regionMatches(true, start, name, 0, name.length()) && head.charAt(start + name.length()) == ':') {
                return head.substring(start + name.length() + 1, head.indexOf('\r', start))
                        .strip();
            }
        }
        throw new IOException("No %s header: %s".formatted(name, head));
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}

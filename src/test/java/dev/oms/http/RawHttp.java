package dev.oms.http;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A bare HTTP/1.1 client, for requests that no HTTP library would send. Strings are Latin-1: one character per byte.
 */
final class RawHttp {
    private RawHttp() {}

    /** A complete response; interim responses are skipped. */
    record Response(int status, List<String> headers, byte[] body) {
        /** The first header with this name, or an empty string. */
        String header(String name) {
            String start = name.toLowerCase(Locale.ROOT) + ":";
            return headers.stream()
                    .filter(header -> header.toLowerCase(Locale.ROOT).startsWith(start))
                    .map(header -> header.substring(start.length()).strip())
                    .findFirst()
                    .orElse("");
        }

        String text() {
            return new String(body, StandardCharsets.UTF_8);
        }
    }

    /**
     * Sends bytes on a new connection and reads one response.
     *
     * @param isHead whether the response has no body, whatever its headers say
     * @return null when the server closes the connection or does not respond within the timeout
     */
    static Response exchange(int port, byte[] request, boolean isHead, Duration timeout) throws IOException {
        try (Socket socket = new Socket("localhost", port)) {
            socket.setSoTimeout((int) timeout.toMillis());
            socket.setTcpNoDelay(true);
            InputStream in = new BufferedInputStream(socket.getInputStream());
            try {
                OutputStream out = socket.getOutputStream();
                out.write(request);
                out.flush();
            } catch (IOException hungUp) {
                // The server may have responded before it read the whole request.
            }
            try {
                return read(in, isHead);
            } catch (EOFException | SocketException | SocketTimeoutException nothing) {
                return null;
            }
        }
    }

    private static Response read(InputStream in, boolean isHead) throws IOException {
        String[] statusLine = line(in).split(" ");
        int status = Integer.parseInt(statusLine[1]);
        List<String> headers = new ArrayList<>();
        for (String header = line(in); !header.isEmpty(); header = line(in)) {
            headers.add(header);
        }
        if (status < 200) {
            return read(in, isHead);
        }
        Response head = new Response(status, headers, new byte[0]);
        if (isHead || status == 204 || status == 304) {
            return head;
        }
        return new Response(status, headers, body(in, head));
    }

    private static byte[] body(InputStream in, Response head) throws IOException {
        if (!head.header("Transfer-Encoding").isEmpty()) {
            ByteArrayOutputStream body = new ByteArrayOutputStream();
            for (int size = chunkSize(in); size > 0; size = chunkSize(in)) {
                body.write(exactly(in, size));
                line(in);
            }
            return body.toByteArray();
        }
        String length = head.header("Content-Length");
        return length.isEmpty() ? in.readAllBytes() : exactly(in, Integer.parseInt(length));
    }

    private static int chunkSize(InputStream in) throws IOException {
        return Integer.parseInt(line(in), 16);
    }

    private static byte[] exactly(InputStream in, int length) throws IOException {
        byte[] bytes = in.readNBytes(length);
        if (bytes.length < length) {
            throw new EOFException();
        }
        return bytes;
    }

    private static String line(InputStream in) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int b = in.read(); b != '\n'; b = in.read()) {
            if (b < 0) {
                throw new EOFException();
            }
            if (b != '\r') {
                line.write(b);
            }
        }
        return line.toString(StandardCharsets.ISO_8859_1);
    }
}

package dev.oms.http;

import dev.oms.http.OpenApiDocument.Call;
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A request that the fuzzer builds and mutates. Strings are Latin-1 here: one character per byte. */
final class FuzzedRequest {
    final Call call;
    String method;
    String path;
    final List<String> query = new ArrayList<>();
    String version = "HTTP/1.1";
    final List<String> headers = new ArrayList<>();
    byte[] body;
    boolean isChunked;

    /** Whether it is valid HTTP. A request that is not need not be answered with a problem. */
    boolean isHttp = true;

    FuzzedRequest(Call call, String path) {
        this.call = call;
        this.method = call.method();
        this.path = path;
    }

    void dropHeader(String name) {
        headers.removeIf(header -> header.regionMatches(true, 0, name + ":", 0, name.length() + 1));
    }

    void setHeader(String name, String value) {
        dropHeader(name);
        headers.add(name + ": " + value);
    }

    private String target() {
        return query.isEmpty() ? path : path + "?" + String.join("&", query);
    }

    /** Whether the request target is a URI (RFC 3986), with a host if it has a scheme (RFC 9110 §4.2.1). */
    boolean isUri() {
        try {
            URI uri = new URI(target());
            return uri.getScheme() == null || uri.getHost() != null;
        } catch (URISyntaxException e) {
            return false;
        }
    }

    byte[] bytes() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        StringBuilder head = new StringBuilder();
        head.append(method)
                .append(' ')
                .append(target())
                .append(' ')
                .append(version)
                .append("\r\n");
        headers.forEach(header -> head.append(header).append("\r\n"));
        if (isChunked && body != null) {
            head.append("Transfer-Encoding: chunked\r\n\r\n");
        } else {
            head.append(body == null ? "\r\n" : "Content-Length: " + body.length + "\r\n\r\n");
        }
        bytes.writeBytes(latin1(head.toString()));
        if (body == null) {
            return bytes.toByteArray();
        }
        if (isChunked) {
            for (int from = 0; from < body.length; from += 100_000) {
                int size = Math.min(100_000, body.length - from);
                bytes.writeBytes(latin1(Integer.toHexString(size) + "\r\n"));
                bytes.write(body, from, size);
                bytes.writeBytes(latin1("\r\n"));
            }
            bytes.writeBytes(latin1("0\r\n\r\n"));
        } else {
            bytes.writeBytes(body);
        }
        return bytes.toByteArray();
    }

    static byte[] latin1(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }
}

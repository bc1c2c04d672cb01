package dev.oms.http;

import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.ws.rs.core.MediaType;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Refuses a body that is not UTF-8 with 400, and one that claims to be something else with 415. Jackson, as
 * {@link StrictJson} configures it, would replace invalid bytes by U+FFFD, and guess UTF-16 and UTF-32.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8259#section-8.1">RFC 8259 §8.1, JSON's Character Encoding</a>
 */
@ApplicationScoped
class RequireUtf8 {
    /** The methods of calls that read a body; all others ignore it. */
    static final Set<HttpMethod> READING = Set.of(HttpMethod.POST, HttpMethod.PUT, HttpMethod.PATCH);

    private static final Pattern UTF8 = Pattern.compile("(?i)utf-?8|(us-)?ascii");

    private static final long EACH_BYTE = 0x0101010101010101L;

    private static final long HIGHEST_BITS = 0x8080808080808080L;

    private static final String NUL = "it has a NUL byte, or is not UTF-8";

    private final WriteProblem writeProblem;

    RequireUtf8(WriteProblem writeProblem) {
        this.writeProblem = writeProblem;
    }

    void install(@Observes Filters filters) {
        filters.register(this::require, FilterOrder.REQUIRE_UTF8.priority());
    }

    private void require(RoutingContext call) {
        Buffer body = call.body().buffer();
        if (body == null
                || body.length() == 0
                || !READING.contains(call.request().method())) {
            call.next();
        } else if (!isUtf8(call.request().getHeader(HttpHeaders.CONTENT_TYPE))) {
            writeProblem.write(call, Problem.of(415, "The charset of the body must be utf-8."));
        } else {
            String fault = fault(body);
            if (fault == null) {
                call.next();
            } else {
                writeProblem.write(
                        call, Problem.of(400, "The body is not valid JSON: " + fault + "; send it in UTF-8."));
            }
        }
    }

    /** Whether JSON's charset is UTF-8 or ASCII, a part of it. Another or an invalid type is left to JAX-RS. */
    private static boolean isUtf8(String contentType) {
        if (contentType == null || contentType.indexOf(';') < 0) {
            return true;
        }
        try {
            MediaType type = MediaType.valueOf(contentType);
            String charset = type.getParameters().get(MediaType.CHARSET_PARAMETER);
            return charset == null
                    || !type.getSubtype().toLowerCase(Locale.ROOT).endsWith("json")
                    || UTF8.matcher(charset).matches();
        } catch (IllegalArgumentException e) {
            return true;
        }
    }

    /**
     * In JSON no byte is 0, but in UTF-16 and UTF-32 every brace, quote and digit has one. Returns null if it is UTF-8.
     */
    private static String fault(Buffer json) {
        int length = json.length();
        long all = 0;
        int at = 0;
        // Eight bytes at a time: nearly every body is ASCII.
        for (; at + Long.BYTES <= length; at += Long.BYTES) {
            long next = json.getLong(at);
            if (((next - EACH_BYTE) & ~next & HIGHEST_BITS) != 0) {
                return NUL;
            }
            all |= next;
        }
        for (; at < length; at++) {
            byte next = json.getByte(at);
            if (next == 0) {
                return NUL;
            }
            all |= next;
        }
        if ((all & HIGHEST_BITS) == 0) {
            return null;
        }
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(json.getBytes()));
            return null;
        } catch (CharacterCodingException e) {
            return "it is not UTF-8";
        }
    }
}

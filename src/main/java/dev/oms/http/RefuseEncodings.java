package dev.oms.http;

import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpVersion;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * Refuses a body that is compressed or encoded otherwise with 415, one with a transfer coding besides {@code chunked}
 * with 501, and one whose last transfer coding is not {@code chunked}, so that nobody knows where it ends, with 400. A
 * body is small: it gains nothing from compression, which would need a limit of its own.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3">RFC 9110 §12.5.3, Accept-Encoding in a 415</a>
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9112#section-6.1">RFC 9112 §6.1, Transfer-Encoding</a>
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9112#section-6.3">RFC 9112 §6.3, Message Body Length</a>
 */
@ApplicationScoped
class RefuseEncodings {
    private final WriteProblem writeProblem;

    RefuseEncodings(WriteProblem writeProblem) {
        this.writeProblem = writeProblem;
    }

    void install(@Observes Filters filters) {
        filters.register(this::refuse, FilterOrder.REFUSE_ENCODINGS.priority());
    }

    private void refuse(RoutingContext call) {
        MultiMap headers = call.request().headers();
        List<String> transferEncodings = headers.getAll(HttpHeaders.TRANSFER_ENCODING);
        if (!transferEncodings.isEmpty() && !codings(transferEncodings).equals(List.of("chunked"))) {
            if (call.request().version() != HttpVersion.HTTP_2) {
                // What follows is no request.
                call.response().putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
            }
            int status = isChunkedAfterOthers(codings(transferEncodings)) ? 501 : 400;
            writeProblem.write(call, Problem.of(status, "The only Transfer-Encoding that is understood is chunked."));
        } else if (RequireUtf8.READING.contains(call.request().method())
                && !isIdentity(headers.getAll(HttpHeaders.CONTENT_ENCODING))
                && CollectBody.hasBody(call)) {
            call.response().putHeader(HttpHeaders.ACCEPT_ENCODING, HttpHeaders.IDENTITY);
            writeProblem.write(
                    call, Problem.of(415, "The body must not be compressed: send it without Content-Encoding."));
        } else {
            call.next();
        }
    }

    /** The values of several headers, or of one, are one list. */
    private static List<String> codings(List<String> headers) {
        return Stream.of(String.join(",", headers).toLowerCase(Locale.ROOT).split(","))
                .map(String::strip)
                .filter(coding -> !coding.isEmpty())
                .toList();
    }

    private static boolean isChunkedAfterOthers(List<String> codings) {
        return codings.size() > 1
                && codings.getLast().equals("chunked")
                && !codings.stream().allMatch("chunked"::equals);
    }

    private static boolean isIdentity(List<String> headers) {
        return headers.isEmpty() || codings(headers).stream().allMatch("identity"::equals);
    }
}

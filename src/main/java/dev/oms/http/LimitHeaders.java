package dev.oms.http;

import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.util.Map;

/**
 * Rejects with a problem requests whose URI or headers are too long, or that have no {@code Host}. The HTTP server
 * alone would reject them without an explanation, or with internal details.
 */
@ApplicationScoped
class LimitHeaders {
    /** The minimum that RFC 9110 §4.1 recommends. */
    private static final int URI_MAX_CHARS = 8_000;

    private static final int HEADERS_MAX_CHARS = 16_000;

    private final WriteProblem writeProblem;

    LimitHeaders(WriteProblem writeProblem) {
        this.writeProblem = writeProblem;
    }

    void install(@Observes Router router) {
        router.route()
                .order(FilterOrder.LIMIT_HEADERS.route())
                .handler(this::limit)
                .failureHandler(this::writeRejection);
    }

    private void limit(RoutingContext call) {
        HttpServerRequest request = call.request();
        if (request.uri().length() > URI_MAX_CHARS) {
            writeProblem.write(call, Problem.of(414, "The URI is longer than " + URI_MAX_CHARS + " characters."));
        } else if (lengthOf(request.headers()) > HEADERS_MAX_CHARS) {
            writeProblem.write(
                    call, Problem.of(431, "The headers are longer than " + HEADERS_MAX_CHARS + " characters."));
        } else {
            call.next();
        }
    }

    private static int lengthOf(Iterable<Map.Entry<String, String>> headers) {
        int length = 0;
        for (Map.Entry<String, String> header : headers) {
            length += header.getKey().length() + header.getValue().length();
        }
        return length;
    }

    private void writeRejection(RoutingContext call) {
        if (call.statusCode() == 400) {
            writeProblem.write(call, Problem.of(400, "The request cannot be understood."));
        } else {
            call.next();
        }
    }
}
